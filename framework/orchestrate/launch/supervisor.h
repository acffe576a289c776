// A process between the runner and a program that it starts, so that everything the program starts
// ends with it, and with the runner: DataLoader processes, torchrun's ranks, daemons that left
// their process group. A dead runner, however it died, leaves nobody holding a GPU.
#pragma once

#include <sys/types.h>

namespace mvn {

// Turns the calling process, just forked by the runner, into the supervisor; the program is forked
// afterwards. Orphaned descendants become its children from then on.
void become_supervisor();

// Waits for `program`, its child, and for the end of the pipe `control`, whose other end the runner
// holds: then it kills the program, and in either case what the program started. SIGTERM and other
// signals that it gets are passed on to the program. Ends as the program did, with the same exit
// code or signal; never returns.
[[noreturn]] void supervise(pid_t program, int control);

}  // namespace mvn
