/* Names can hold anything. What is shown of them must not break a line or a table, nor be obeyed by a terminal. */
#ifndef PGAN_PRINTABLE_H
#define PGAN_PRINTABLE_H

/* Every control character of a UTF-8 text, line feeds and tabs included, becomes '?' (one byte or two as it was). In place. */
void printable_text(char *text);

#endif
