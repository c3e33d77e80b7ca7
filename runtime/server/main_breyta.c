/* main_breyta.c - the program breyta; see breyta_options.h. */
#include "breyta_options.h"

int main(int argc, char **argv) { return breyta_main(argc, argv); }
