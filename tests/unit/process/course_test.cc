#include "orchestrate/process/course.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

ArrivedSignals interrupts(int count) {
  ArrivedSignals arrived;
  arrived.interrupts = count;
  return arrived;
}

ArrivedSignals terminations(int count) {
  ArrivedSignals arrived;
  arrived.terminations = count;
  return arrived;
}

ArrivedSignals pause() {
  ArrivedSignals arrived;
  arrived.pause = true;
  return arrived;
}

ArrivedSignals resume() {
  ArrivedSignals arrived;
  arrived.resume = true;
  return arrived;
}

TEST(Course, CtrlCDrainsThenStopsThenKills) {
  auto course = after(Course::kRunning, interrupts(1));
  EXPECT_EQ(course, Course::kDraining);
  course = after(course, interrupts(1));
  EXPECT_EQ(course, Course::kStopping);
  course = after(course, interrupts(1));
  EXPECT_EQ(course, Course::kKilling);
  EXPECT_EQ(after(course, interrupts(1)), Course::kKilling);
}

TEST(Course, SeveralAtOnceCountAll) {
  EXPECT_EQ(after(Course::kRunning, interrupts(2)), Course::kStopping);
}

TEST(Course, TerminationStopsAtOnceAndNeverMoreThanThat) {
  EXPECT_EQ(after(Course::kRunning, terminations(1)), Course::kStopping);
  EXPECT_EQ(after(Course::kDraining, terminations(1)), Course::kStopping);
  EXPECT_EQ(after(Course::kStopping, terminations(3)), Course::kStopping);
  EXPECT_EQ(after(Course::kKilling, terminations(1)), Course::kKilling);
  EXPECT_EQ(after(after(Course::kRunning, terminations(1)), interrupts(1)), Course::kKilling);
}

TEST(Course, PausesAndResumes) {
  EXPECT_EQ(after(Course::kRunning, pause()), Course::kPaused);
  EXPECT_EQ(after(Course::kPaused, pause()), Course::kPaused);
  EXPECT_EQ(after(Course::kPaused, resume()), Course::kRunning);
  EXPECT_EQ(after(Course::kPaused, interrupts(1)), Course::kDraining);
  EXPECT_EQ(after(Course::kPaused, terminations(1)), Course::kStopping);
}

TEST(Course, NothingLeadsBackFromDraining) {
  for (const auto course : {Course::kDraining, Course::kStopping, Course::kKilling}) {
    EXPECT_EQ(after(course, pause()), course);
    EXPECT_EQ(after(course, resume()), course);
  }
}

TEST(Course, WhatIsAskedTwiceIsAskedOnce) {
  auto course = after(Course::kRunning, Course::kPaused);
  EXPECT_EQ(course, Course::kPaused);
  EXPECT_EQ(after(course, Course::kRunning), Course::kRunning);
  course = after(course, Course::kDraining);
  EXPECT_EQ(course, Course::kDraining);
  EXPECT_EQ(after(course, Course::kDraining), Course::kDraining);
  EXPECT_EQ(after(course, Course::kRunning), Course::kDraining);
  EXPECT_EQ(after(course, Course::kPaused), Course::kDraining);
  EXPECT_EQ(after(course, Course::kStopping), Course::kStopping);
}

TEST(Course, ItsNameLeadsBackToIt) {
  for (const auto course : {Course::kRunning, Course::kPaused, Course::kDraining, Course::kStopping,
                            Course::kKilling}) {
    EXPECT_EQ(course_of(to_string(course)), course);
  }
  EXPECT_EQ(course_of("sleeping"), Course::kRunning);
}

}  // namespace
}  // namespace mvn
