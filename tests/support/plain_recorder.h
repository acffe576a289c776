// In the place of a device's graphs: work that is called again.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "train/sdk/graph.h"

namespace mvn::test {

class PlainRecorder : public GraphRecorder {
 public:
  std::unique_ptr<Graph> record(const std::function<void()>& work) override {
    ++recorded;
    return std::make_unique<Call>(work);
  }

  int recorded = 0;

 private:
  struct Call : Graph {
    explicit Call(std::function<void()> work) : again(std::move(work)) {}
    void replay() override { again(); }
    std::function<void()> again;
  };
};

}  // namespace mvn::test
