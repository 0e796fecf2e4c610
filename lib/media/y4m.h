/* YUV4MPEG2 video ("Y4M", the format of mjpegtools' yuv4mpeg(5)): a text header, then raw frames. Every player and encoder reads it from a pipe. */
#ifndef PGAN_Y4M_H
#define PGAN_Y4M_H

#include <stdint.h>
#include <stdio.h>

#include "error.h"

enum { Y4M_RATE = 30 }; /* frames per second */

/* w, h: the frames' size in pixels. name: of the stream, for messages. */
int y4m_write_header(FILE *, const char *name, int w, int h) MUST_CHECK;

/* rgb: (3,h,w) bytes. Written as Y'CbCr of ITU-R BT.601, limited range, 4:4:4. scratch: 3 * h * w bytes of the caller's. */
int y4m_write_frame(FILE *, const char *name, int w, int h, const uint8_t *rgb, uint8_t *scratch) MUST_CHECK;

#endif
