#include "orchestrate/process/course.h"

#include <algorithm>
#include <array>

namespace mvn {
namespace {

Course after_interrupt(Course course) {
  switch (course) {
    case Course::kRunning:
    case Course::kPaused:
      return Course::kDraining;
    case Course::kDraining:
      return Course::kStopping;
    default:
      return Course::kKilling;
  }
}

}  // namespace

std::string_view to_string(Course course) {
  constexpr std::array<std::string_view, 5> names = {"running", "paused", "draining", "stopping",
                                                     "killing"};
  return names[static_cast<std::size_t>(course)];
}

Course after(Course course, Course asked) {
  return course == Course::kPaused ? asked : std::max(course, asked);
}

Course course_of(std::string_view name) {
  for (const auto course :
       {Course::kPaused, Course::kDraining, Course::kStopping, Course::kKilling}) {
    if (name == to_string(course)) return course;
  }
  return Course::kRunning;
}

Course after(Course course, const ArrivedSignals& arrived) {
  if (arrived.pause && course == Course::kRunning) course = Course::kPaused;
  if (arrived.resume && course == Course::kPaused) course = Course::kRunning;
  if (arrived.terminations > 0) course = std::max(course, Course::kStopping);
  for (int i = 0; i < arrived.interrupts; ++i) course = after_interrupt(course);
  return course;
}

}  // namespace mvn
