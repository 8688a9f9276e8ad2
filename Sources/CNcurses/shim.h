// What Swift sees of ncurses: one screen, drawn row by row, and its keys.

// The plain system headers first, so that this module and Glibc agree on the shape of fd_set.
#include <features.h>
#include <sys/select.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#ifndef NCURSES_WIDECHAR
#define NCURSES_WIDECHAR 1
#endif
#define NCURSES_NOMACROS 1
#include <ncurses.h>
#include <term.h>

// Attributes are macros with casts, and the screen is a variable that may change: what Swift does
// not import, or not as safe, is done here.

// POSIX has it; the headers show it only to those who ask for more than Glibc's module does.
extern int wcwidth(wchar_t character);

// Cells of a character in the present locale: 0 for marks, -1 for what is no character to show.
static inline int petrel_cell_width(unsigned scalar) { return wcwidth((wchar_t)scalar); }

// Opens the terminal for drawing, with keys one by one; false if its kind is not known.
static inline bool petrel_screen_open(void) {
    if (newterm(NULL, stdout, stdin) == NULL) return false;
    raw();
    noecho();
    nonl();
    intrflush(stdscr, false);
    keypad(stdscr, true);
    nodelay(stdscr, true);
    set_escdelay(40);
    return true;
}

// Gives the colours 1 to 7 numbers that can be drawn with; false if the terminal has none.
static inline bool petrel_screen_start_colours(void) {
    if (!has_colors() || start_color() == ERR || use_default_colors() == ERR) return false;
    for (short colour = 1; colour < 8; colour++) init_pair(colour, colour, -1);
    return true;
}

enum petrel_screen_style {
    PETREL_SCREEN_BOLD = 1,
    PETREL_SCREEN_DIM = 2,
    PETREL_SCREEN_REVERSE = 4,
    PETREL_SCREEN_UNDERLINE = 8,
};

// Writes UTF-8 text at a cell; colour 0 is the terminal's own.
static inline void petrel_screen_write(
    int row, int column, const char *text, unsigned style, short colour) {
    attr_t attributes = A_NORMAL;
    if (style & PETREL_SCREEN_BOLD) attributes |= A_BOLD;
    if (style & PETREL_SCREEN_DIM) attributes |= A_DIM;
    if (style & PETREL_SCREEN_REVERSE) attributes |= A_REVERSE;
    if (style & PETREL_SCREEN_UNDERLINE) attributes |= A_UNDERLINE;
    wattr_set(stdscr, attributes, colour, NULL);
    mvwaddstr(stdscr, row, column, text);
}

// Shows what was written, with the cursor at a cell; without a cursor if the row is negative.
static inline void petrel_screen_show(int row, int column) {
    curs_set(row >= 0 ? 1 : 0);
    if (row >= 0) wmove(stdscr, row, column);
    wrefresh(stdscr);
}

// Forgets what is on the terminal, so that the next drawing repairs all of it.
static inline void petrel_screen_repair(void) { clearok(stdscr, true); }

// Reads a key: OK for a character, KEY_CODE_YES for another key, ERR if there is none now.
static inline int petrel_screen_read(unsigned *key) {
    wint_t value = 0;
    int kind = wget_wch(stdscr, &value);
    *key = value;
    return kind;
}

// The sequence that leaves the full screen, for when all else has failed; NULL if there is none.
static inline const char *petrel_screen_leave_sequence(void) {
    const char *sequence = tigetstr("rmcup");
    return sequence == (const char *)-1 ? NULL : sequence;
}
