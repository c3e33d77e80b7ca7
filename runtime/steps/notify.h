/* notify.h - notifications: the :notify step (spec/flows.md 4.8) and what a :wait tells people (wait_notify.c).
 *
 *   :channels {:http {:connection slot | :url u, :path :method :headers :query :json :form :body :content-type :timeout,
 *                     :template id :data {..}}}       :method is :post unless it says otherwise
 * Strings of a channel are rendered with :data (the step's and the channel's own, which wins) when there is any; what a
 * :template gave is rendered already. An email is such a channel: its :url or :connection that of the mail service's API.
 * Registered threads. */
#ifndef BR_NOTIFY_H
#define BR_NOTIFY_H
#include "runtime/http/engine_http.h"
#include "reader/map.h"

#define NOTIFY_MAX_BODY ((size_t)limit_value(LIMIT_notify_bytes))

/* The shape of :channels, literal or computed. false: *e (validation). */
bool notify_channels_check(Val channels, Err *e);
/* The request of a channel; templates: the flow's. ABSENT: *error. `extra` lies over the data (a map or nil). */
Val notify_request(Val channel, Val data, Val extra, Val templates, Val *error);
/* {:sent? b :channels {:http {:sent? b :status n}}} and, when not sent, :errors [..]. */
Val notify_result(bool ok, Val v);
void notify_register(void);
#endif
