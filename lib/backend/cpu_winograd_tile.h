/* Winograd's transforms, of a tile of inputs, of output gradients and of outputs: cpu_winograd.h says what they are. Part of cpu_table.h's template. */

/* -- the three transforms, one dimension at a time -- */

#define P (5.f / 8)
#define Q (3.f / 2)

/* k * a + b */
INLINE vec scaled(float k, vec a, vec b)
{
	return vec_fma(vec_all(k), a, b);
}

/* e = B^T d: rows are the coefficients of the polynomials with all interpolation points but one as roots. */
INLINE void frequencies_of_inputs(vec e[6], const vec d[6])
{
	const vec p = scaled(-Q * Q, d[2], d[4]), p_odd = scaled(-Q * Q, d[1], d[3]), q = scaled(-P * P, d[2], d[4]), q_odd = scaled(-P * P, d[1], d[3]);
	e[0] = scaled(P * P * Q * Q, d[0], scaled(-P * P - Q * Q, d[2], d[4]));
	e[1] = scaled(P, p_odd, p);
	e[2] = scaled(-P, p_odd, p);
	e[3] = scaled(Q, q_odd, q);
	e[4] = scaled(-Q, q_odd, q);
	e[5] = scaled(P * P * Q * Q, d[1], scaled(-P * P - Q * Q, d[3], d[5]));
}

/* y = A^T m: powers of the points. */
INLINE void outputs_of_products(vec y[4], const vec m[6])
{
	const vec p = m[1] + m[2], p_odd = m[1] - m[2], q = m[3] + m[4], q_odd = m[3] - m[4];
	y[0] = m[0] + p + q;
	y[1] = scaled(P, p_odd, Q * q_odd);
	y[2] = scaled(P * P, p, Q * Q * q);
	y[3] = scaled(P * P * P, p_odd, scaled(Q * Q * Q, q_odd, m[5]));
}

/* z = A dy. */
INLINE void frequencies_of_outputs(vec z[6], const vec dy[4])
{
	const vec p = scaled(P * P, dy[2], dy[0]), p_odd = scaled(P * P, dy[3], dy[1]), q = scaled(Q * Q, dy[2], dy[0]), q_odd = scaled(Q * Q, dy[3], dy[1]);
	z[0] = dy[0];
	z[1] = scaled(P, p_odd, p);
	z[2] = scaled(-P, p_odd, p);
	z[3] = scaled(Q, q_odd, q);
	z[4] = scaled(-Q, q_odd, q);
	z[5] = dy[3];
}

/* 1 over the product of the differences between 0, P or Q and the other finite points. */
#define SCALE_0 (1 / (P * P * Q * Q))
#define SCALE_P (1 / (2 * P * P * (P * P - Q * Q)))
#define SCALE_Q (1 / (2 * Q * Q * (Q * Q - P * P)))

/* u = G g. */
INLINE void frequencies_of_kernel(vec u[6], const vec g[3])
{
	const vec p = SCALE_P * scaled(P * P, g[2], g[0]), q = SCALE_Q * scaled(Q * Q, g[2], g[0]);
	u[0] = SCALE_0 * g[0];
	u[1] = scaled(SCALE_P * P, g[1], p);
	u[2] = scaled(-SCALE_P * P, g[1], p);
	u[3] = scaled(SCALE_Q * Q, g[1], q);
	u[4] = scaled(-SCALE_Q * Q, g[1], q);
	u[5] = g[2];
}

/* dg = G^T du. */
INLINE void kernel_of_frequencies(vec dg[3], const vec du[6])
{
	const vec p = SCALE_P * (du[1] + du[2]), q = SCALE_Q * (du[3] + du[4]);
	dg[0] = scaled(SCALE_0, du[0], p + q);
	dg[1] = scaled(SCALE_P * P, du[1] - du[2], SCALE_Q * Q * (du[3] - du[4]));
	dg[2] = scaled(P * P, p, scaled(Q * Q, q, du[5]));
}

#undef P
#undef Q

/* A map in both dimensions, (m,m) -> (n,n): `read` is element (i,j) of the source, `write` takes element (i,j) of the result. */
#define TRANSFORM(map, n, m, read, write)                                                   \
	do {                                                                                \
		vec half_[m][n], line_[m], out_[n];                                         \
		for (int i_ = 0; i_ < m; i_++) {                                            \
			for (int j_ = 0; j_ < m; j_++)                                      \
				line_[j_] = read(i_, j_);                                   \
			map(half_[i_], line_);                                              \
		}                                                                           \
		for (int j_ = 0; j_ < n; j_++) {                                            \
			for (int i_ = 0; i_ < m; i_++)                                      \
				line_[i_] = half_[i_][j_];                                  \
			map(out_, line_);                                                   \
			for (int i_ = 0; i_ < n; i_++)                                      \
				write(i_, j_, out_[i_]);                                    \
		}                                                                           \
	} while (0)

/* -- tiles -- */

/* Tile `index` of a tensor's batch: its sample and its first row and column. */
struct tile {
	int64_t sample;
	int row, column;
};

static inline int64_t tile_count(struct tensor t)
{
	return t.n * (t.h / 4) * (t.w / 4);
}

static inline struct tile tile_at(struct tensor t, int64_t index)
{
	const int across = t.w / 4, each = t.h / 4 * across, at = (int)(index % each);
	return (struct tile){ index / each, at / across * 4, at % across * 4 };
}

/* 6x6 inputs around one tile, zero outside the picture -> to[36], `stride` vectors apart. */
static inline void input_tile(vec *to, size_t stride, const vec *block, struct tile t, int h, int w)
{
	static const vec outside[6];
	const vec *row[6];
	const bool left = t.column > 0, right = t.column + 4 < w;
	for (int i = 0; i < 6; i++) {
		const int r = t.row + i - 1;
		row[i] = r >= 0 && r < h ? block + (size_t)r * (size_t)w + t.column : outside + 1;
	}
#define READ(i, j) ((j == 0 && !left) || (j == 5 && !right) ? vec_all(0) : row[i][j - 1])
#define WRITE(i, j, value) to[(size_t)(6 * i + j) * stride] = value
	TRANSFORM(frequencies_of_inputs, 6, 6, READ, WRITE);
#undef READ
#undef WRITE
}

/* 4x4 gradients of one tile -> to[36]. */
static inline void gradient_tile(vec *to, size_t stride, const vec *block, struct tile t, int w)
{
	const vec *from = block + (size_t)t.row * (size_t)w + t.column;
#define READ(i, j) from[(size_t)(i) * (size_t)w + (size_t)(j)]
#define WRITE(i, j, value) to[(size_t)(6 * i + j) * stride] = value
	TRANSFORM(frequencies_of_outputs, 6, 4, READ, WRITE);
#undef READ
#undef WRITE
}

/* from[36] -> the 4x4 outputs of one tile. */
static inline void output_tile(vec *block, const vec *from, size_t stride, struct tile t, int w)
{
	vec *to = block + (size_t)t.row * (size_t)w + t.column;
#define READ(i, j) from[(size_t)(6 * i + j) * stride]
#define WRITE(i, j, value) to[(size_t)(i) * (size_t)w + (size_t)(j)] = value
	TRANSFORM(outputs_of_products, 4, 6, READ, WRITE);
#undef READ
#undef WRITE
}
