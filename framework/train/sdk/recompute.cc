#include "mvn/recompute.h"

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <memory>
#include <utility>

namespace mvn {
namespace {

using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

thread_local bool recompute_enabled = false;

// The state that a layer's result depends on besides its tensors. The backward pass may run in
// another thread than the forward pass.
class Surroundings {
 public:
  explicit Surroundings(torch::Device device)
      : device_(device),
        cpu_random_(generator(torch::kCPU).get_state()),
        autocast_(at::autocast::is_autocast_enabled(device.type())),
        autocast_type_(at::autocast::get_autocast_dtype(device.type())) {
    if (!device.is_cpu()) device_random_ = generator(device).get_state();
  }

  void restore() const {
    generator(torch::kCPU).set_state(cpu_random_);
    if (device_random_.defined()) generator(device_).set_state(device_random_);
    at::autocast::set_autocast_enabled(device_.type(), autocast_);
    at::autocast::set_autocast_dtype(device_.type(), autocast_type_);
  }

 private:
  static torch::Generator generator(torch::Device device) {
    return at::globalContext().defaultGenerator(device);
  }

  torch::Device device_;
  torch::Tensor cpu_random_;
  torch::Tensor device_random_;
  bool autocast_;
  at::ScalarType autocast_type_;
};

// While it lives, autocast keeps no copies of weights: a copy made in the first pass has no graph,
// and one made in the second would outlive the step.
class NoAutocastCache {
 public:
  NoAutocastCache() { at::autocast::set_autocast_cache_enabled(false); }
  NoAutocastCache(const NoAutocastCache&) = delete;
  NoAutocastCache& operator=(const NoAutocastCache&) = delete;
  ~NoAutocastCache() { at::autocast::set_autocast_cache_enabled(before_); }

 private:
  bool before_ = at::autocast::is_autocast_cache_enabled();
};

// While it lives, the surroundings are those of a layer's forward pass.
class ReturnTo {
 public:
  ReturnTo(const Surroundings& then, torch::Device device) : now_(device) { then.restore(); }
  ReturnTo(const ReturnTo&) = delete;
  ReturnTo& operator=(const ReturnTo&) = delete;
  ~ReturnTo() { now_.restore(); }

 private:
  Surroundings now_;
};

// The layer's place in the graph.
class Recompute : public torch::autograd::Node {
 public:
  Recompute(std::function<torch::Tensor(const torch::Tensor&)> layer, const torch::Tensor& x)
      : layer_(std::move(layer)), x_(x, /*is_output=*/false), surroundings_(x.device()) {}

  variable_list apply(variable_list&& gradients) override {
    const auto x = x_.unpack(nullptr);
    auto leaf = x.detach();
    if (should_compute_output(0)) leaf.requires_grad_(true);
    if (!gradients[0].defined()) return {torch::Tensor()};
    const torch::AutoGradMode enable_grad(true);
    torch::Tensor y;
    {
      const ReturnTo then(surroundings_, x.device());
      const NoAutocastCache no_cache;
      y = layer_(leaf);
    }
    if (y.requires_grad()) torch::autograd::backward({y}, {gradients[0]});
    return {leaf.grad()};
  }

  void release_variables() override {
    x_.reset_data();
    layer_ = nullptr;
  }

 private:
  std::function<torch::Tensor(const torch::Tensor&)> layer_;
  SavedVariable x_;
  Surroundings surroundings_;
};

}  // namespace

RecomputeScope::RecomputeScope(bool enabled) : before_(std::exchange(recompute_enabled, enabled)) {}

RecomputeScope::~RecomputeScope() { recompute_enabled = before_; }

torch::Tensor recomputed(std::function<torch::Tensor(const torch::Tensor&)> layer,
                         const torch::Tensor& x) {
  if (!recompute_enabled || !torch::GradMode::is_enabled()) return layer(x);
  const std::shared_ptr<Recompute> node(new Recompute(layer, x), torch::autograd::deleteNode);
  // Where x needs no gradient (frozen embeddings under an adapter) this is no edge at all, and the
  // layer's own parameters still get theirs.
  node->set_next_edges(torch::autograd::collect_next_edges(x));
  torch::Tensor y;
  {
    const torch::NoGradGuard no_grad;
    const NoAutocastCache no_cache;
    y = layer(x);
  }
  torch::autograd::set_history(y, node);
  return y;
}

}  // namespace mvn
