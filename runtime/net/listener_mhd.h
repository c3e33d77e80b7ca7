/* listener_mhd.h - libmicrohttpd, loaded (dlopen) by the first listener: a program that never listens does not pay for it and for the
 * TLS library behind it. The only place that includes its header.
 *
 * A request that is no HTTP at all (or has headers of 64 KiB) never comes to the listener: the library answers it, with an HTML page of
 * its own, and has no option for that. listener_mhd_load leads those answers through a function here, and a thread that says
 * listener_mhd_serves has them sent as {"ok":false,"error":{"code","message"}}; other threads' daemons are not touched. */
#ifndef BR_LISTENER_MHD_H
#define BR_LISTENER_MHD_H
#include "runtime/base/port.h"
#include <microhttpd.h>

#define MHD_FUNCTIONS(F)                                                                                                                   \
  F(MHD_start_daemon)                                                                                                                      \
  F(MHD_stop_daemon) F(MHD_quiesce_daemon) F(MHD_suspend_connection) F(MHD_resume_connection) F(MHD_create_response_from_buffer)           \
      F(MHD_add_response_header) F(MHD_queue_response) F(MHD_destroy_response) F(MHD_get_connection_values) F(MHD_lookup_connection_value) \
          F(MHD_get_connection_info) F(MHD_create_response_from_fd_at_offset64) F(MHD_create_response_from_callback) F(MHD_run) F(MHD_get_timeout) F(MHD_get_daemon_info) \
              F(MHD_get_reason_phrase_for)
#define MHD_FIELD(f) __typeof__(&f) p_##f;
typedef struct ListenerMhd {
  MHD_FUNCTIONS(MHD_FIELD)
} ListenerMhd;
extern ListenerMhd listener_mhd;
#define L(f) (listener_mhd.p_##f)

bool listener_mhd_load(Err *e); /* any number of times, any thread; false: it is not there. Code listen */
void listener_mhd_serves(void); /* this thread runs a daemon of ours */
#endif
