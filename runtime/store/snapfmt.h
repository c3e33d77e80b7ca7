/* snapfmt.h - the numbers both sides of the snapshot format agree on. */
#ifndef BR_SNAPFMT_H
#define BR_SNAPFMT_H
#define SNAP_VERSION 2        /* 2: the names that namespaces refer from others */
#define SNAP_VERSION_OLDEST 1 /* still read */
enum { SNAP_NIL, SNAP_FIX, SNAP_FLO, SNAP_IMM, SNAP_OBJ, SNAP_ONE, SNAP_CONST };
#define SNAP_ONES 7 /* objects of which every process has exactly one: empty collections; snap_one in snapcheck.c lists them */
#define SNAP_MAX_BODY (1u << 30)
#endif
