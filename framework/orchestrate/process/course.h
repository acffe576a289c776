// What becomes of a run when the user asks for something: run, pause, drain, stop, kill.
#pragma once

#include <string_view>

#include "orchestrate/process/signals.h"

namespace mvn {

// In the order of urgency.
enum class Course {
  kRunning,
  kPaused,    // no trial starts, running ones go on; until it is resumed
  kDraining,  // no trial starts, running ones go on to their end
  kStopping,  // running trials write a checkpoint and end
  kKilling,   // running trials are killed
};

// "running", "paused", "draining", "stopping", "killing".
std::string_view to_string(Course course);

// The course after these signals. SIGINT (Ctrl-C) drains, stops the second time and kills the third
// time; SIGTERM and SIGHUP stop however often they come, since a process manager or a closing
// terminal may send several. Nothing leads back from kDraining on.
Course after(Course course, const ArrivedSignals& arrived);

// The course after somebody asked for this one. Again nothing leads back from kDraining on, and
// asking twice is asking once.
Course after(Course course, Course asked);
// The course of this name; kRunning for any other.
Course course_of(std::string_view name);

}  // namespace mvn
