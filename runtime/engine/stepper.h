/* stepper.h - one run under the hand of a person: it stops in front of every step (also those of its catch and finally blocks), with
 * everything before durable, until the step is let go, answered or failed by hand. What is answered by hand is journaled as such and
 * durable like any result; a process that dies in between loses nothing, and any other `resume` goes on with the run for real.
 *
 * One run at a time (Engine.stepping); other runs of the engine are not held. Thread: the engine's; every function that waits asks `stop`
 * between turns (20 ms at most) and returns true with the run where it then is.
 * Errors: no_run, not_at_step (the run is over, or its step is under way: `where` says), no_local, not_serializable, those of the store. */
#ifndef BR_STEPPER_H
#define BR_STEPPER_H
#include "edit.h"

enum StepperAt {
  STEPPER_HELD,   /* in front of a step */
  STEPPER_WAITS,  /* its :wait is registered, or its failed step is at a :checkpoint: parked */
  STEPPER_TIMER,  /* it sleeps, or pauses before another attempt */
  STEPPER_BUSY,   /* its code runs or its effect is under way */
  STEPPER_OVER    /* finished or blocked */
};

typedef bool StepperStop(void *ctx);
typedef struct Stepper { Engine *e; int64_t run; StepperStop *stop; void *ctx; } Stepper;

enum StepperAt stepper_where(const Stepper *s);
/* {:run-id :status :at :step {:number :id :type :input ...} ...}: :at is :held :waiting :timer :busy or :over; with :value or :error when
 * it is over, :until and :key when it waits. */
Val stepper_state(const Stepper *s);
/* Until it is held, waits, sleeps or is over. wait_timers: sleeps and pauses are waited out. */
bool stepper_settle(const Stepper *s, bool wait_timers, Err *err);
/* The step it is held at begins for real; then as settle. A :wait that begins parks. */
bool stepper_step(const Stepper *s, Err *err);
/* Without holding it any more: to the end, or until it waits for the outside. */
bool stepper_run_on(const Stepper *s, Err *err);
/* Answers the step it is held at, waits in or pauses in; ok false: value is an error (edit_error). Then as settle. */
bool stepper_answer(const Stepper *s, bool ok, Val value, Err *err);
/* Changes locals of a held run, in place: journaled, and the step's call is evaluated again. The run stands in front of a step again, or
 * of what the call reaches first. */
bool stepper_change(const Stepper *s, const LocalChange *l, size_t n, Val config, Err *err);
/* The stack of a held run, as inspect_at gives it. ABSENT: it is not held. */
Val stepper_stack(const Stepper *s);
#endif
