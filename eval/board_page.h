#ifndef EVAL_BOARD_PAGE_H
#define EVAL_BOARD_PAGE_H

/* Private to the HTML page: the pieces that its files share. */

#include "eval/board.h"

/* Text as HTML text or attribute value; control characters become U+FFFD. */
void da_page_text(struct da_buf *out, const char *s);
/* Letters, digits and '-' of s, lower case: for ids. */
void da_page_slug(struct da_buf *out, const char *s);
/* A number with the column's unit and digits. */
void da_page_number(struct da_buf *out, const struct da_board_col *col, double v);

/* board_svg.c: charts as inline SVG, drawn when the page is made. */

struct da_page_range {
    double lo, hi, step; /* of an axis with round ticks */
};
void da_page_range(struct da_page_range *r, double lo, double hi, unsigned n_ticks);
/* A dot and its interval within a range, for a table cell. */
void da_page_interval(struct da_buf *out, const struct da_page_range *r,
                      const struct da_board_cell *cell);
/* Every ranked system's score and interval, best first. Nothing for fewer than two systems. */
void da_page_forest(struct da_buf *out, const struct da_board_table *t, const char *id);
/* Quality against speed and against memory, where bench rows bear a system's name. */
void da_page_scatter(struct da_buf *out, const struct da_board *b,
                     const struct da_board_section *s);

/* board_detail.c */
void da_page_confusions(struct da_buf *out, const struct da_board_section *s);
void da_page_provenance(struct da_buf *out, const struct da_board *b);

/* board_texts.c */
void da_page_samples(struct da_buf *out, const struct da_board *b,
                     const struct da_board_section *s);

#endif
