/* ssh_lib.h - libssh2, loaded (dlopen) at the first connection: the one place that includes its headers.
 *
 * SSH_CALL(f)(...) calls a function of the library; ssh_lib_load must have returned true once in this process. Any thread. */
#ifndef BR_SSH_LIB_H
#define BR_SSH_LIB_H
#include "runtime/base/port.h"
#include <libssh2.h>
#include <libssh2_sftp.h>

#define SSH_LIB_FUNCTIONS(F)                                                                                                     \
  F(libssh2_init) F(libssh2_session_init_ex) F(libssh2_session_handshake) F(libssh2_session_free) F(libssh2_session_set_blocking) \
  F(libssh2_session_last_error) F(libssh2_session_last_errno) F(libssh2_session_method_pref) F(libssh2_session_hostkey)          \
  F(libssh2_session_block_directions) F(libssh2_session_disconnect_ex) F(libssh2_session_banner_get) F(libssh2_session_abstract) F(libssh2_session_callback_set) \
  F(libssh2_userauth_list) F(libssh2_userauth_authenticated) F(libssh2_userauth_password_ex)                                     \
  F(libssh2_userauth_publickey_frommemory) F(libssh2_userauth_keyboard_interactive_ex)                                           \
  F(libssh2_channel_open_ex) F(libssh2_channel_direct_tcpip_ex) F(libssh2_channel_process_startup)                               \
  F(libssh2_channel_request_pty_ex) F(libssh2_channel_read_ex) F(libssh2_channel_write_ex) F(libssh2_channel_eof)                \
  F(libssh2_channel_send_eof) F(libssh2_channel_close) F(libssh2_channel_wait_closed) F(libssh2_channel_free)                    \
  F(libssh2_channel_get_exit_status) F(libssh2_channel_get_exit_signal) F(libssh2_free)                                           \
  F(libssh2_sftp_init) F(libssh2_sftp_shutdown) F(libssh2_sftp_open_ex) F(libssh2_sftp_read) F(libssh2_sftp_write)               \
  F(libssh2_sftp_close_handle) F(libssh2_sftp_last_error) F(libssh2_sftp_fsync) F(libssh2_sftp_fstat_ex)

#define SSH_LIB_FIELD(f) __typeof__(&f) p_##f;
typedef struct SshLib { SSH_LIB_FUNCTIONS(SSH_LIB_FIELD) } SshLib;
extern SshLib ssh_lib;
#define SSH_CALL(f) (ssh_lib.p_##f)

bool ssh_lib_load(Err *e); /* false: code "network" */
#endif
