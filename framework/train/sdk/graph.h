// Work of a device, recorded once and replayed: one launch from the host instead of hundreds.
#pragma once

#include <functional>
#include <memory>

#include "mvn/error.h"
#include "mvn/torch.h"

namespace mvn {

// Work was not recorded. What records, LibTorch's allocator and generators, is left in the middle
// of it and is of no use to another trial of this process.
class RecordingFailed : public ConfigError {
 public:
  explicit RecordingFailed(const std::string& message)
      : ConfigError("training.cuda_graphs", message) {}
};

class Graph {
 public:
  Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  virtual ~Graph();
  virtual void replay() = 0;
};

// Outlives its graphs. They share the memory of what `work` allocates: what is to be read after a
// replay lies in tensors that were there before.
class GraphRecorder {
 public:
  GraphRecorder() = default;
  GraphRecorder(const GraphRecorder&) = delete;
  GraphRecorder& operator=(const GraphRecorder&) = delete;
  virtual ~GraphRecorder();
  // Records what `work`, which has run before, launches, without running it. Throws RecordingFailed
  // where it waits for the device or does what no graph holds.
  virtual std::unique_ptr<Graph> record(const std::function<void()>& work) = 0;
};

// CUDA graphs on `device`. While it lives, the thread's work there goes to a stream of its own, as
// the default one cannot be recorded. Throws ConfigError ("training.cuda_graphs") where this build
// has none.
std::unique_ptr<GraphRecorder> cuda_graph_recorder(torch::Device device);

}  // namespace mvn
