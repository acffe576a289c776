// `mvn-supervisor`, a program between the runner and each program that it starts, so that
// everything the program starts ends with it, and with the runner: DataLoader processes, torchrun's
// ranks, daemons that left their process group. A dead runner, however it died, leaves nobody
// holding a GPU.
//
// It is a small program of its own because a start costs a copy of the starting process's page
// tables otherwise, and the runner's grow with the plan. It is started with all signals that it
// deals with blocked, as
//
//   mvn-supervisor CONTROL FAILURE PARENT FOLDER PROGRAM [ARGUMENT]...
//
// and starts the program in FOLDER ("" for its own) with its own standard streams and environment.
// Where that fails, the reason, an errno, is written to the descriptor FAILURE. It waits for the
// program, and for the end of the pipe CONTROL, whose other end the runner holds: then it kills the
// program, and in either case what the program started. SIGTERM and other signals that it gets are
// passed on to the program. It ends as the program did, with the same exit code or signal.
//
// With -1 as CONTROL it becomes the program instead, which the kernel kills when PARENT, the
// runner, dies.
#pragma once

namespace mvn {

inline constexpr const char* kSupervisor = "mvn-supervisor";  // at most 15 characters

}  // namespace mvn
