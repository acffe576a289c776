// Which operations of LibTorch's a thread calls, as many times as it does: on a GPU each that is no
// view is a launch at least.
#pragma once

#include <ATen/record_function.h>
#include <torch/torch.h>

#include <map>
#include <memory>
#include <set>
#include <string>

namespace mvn::test {

// Counts while it lives, one at a time; what an operation calls itself is not counted.
class Dispatched {
 public:
  Dispatched() {
    counts().clear();
    handle_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback(&enter, &leave).scopes({at::RecordScope::FUNCTION}));
  }
  ~Dispatched() { at::removeCallback(handle_); }
  Dispatched(const Dispatched&) = delete;
  Dispatched& operator=(const Dispatched&) = delete;

  // By name; without views, and without what only makes memory.
  static std::map<std::string, int>& counts() {
    thread_local std::map<std::string, int> all;
    return all;
  }
  static int total() {
    int sum = 0;
    for (const auto& [name, count] : counts()) sum += count;
    return sum;
  }

 private:
  static int& depth() {
    thread_local int now = 0;
    return now;
  }
  static std::unique_ptr<at::ObserverContext> enter(const at::RecordFunction& function) {
    static const std::set<std::string> kFree = {
        "aten::view",        "aten::reshape",   "aten::flatten", "aten::unflatten",
        "aten::transpose",   "aten::t",         "aten::detach",  "aten::select",
        "aten::narrow",      "aten::slice",     "aten::squeeze", "aten::permute",
        "aten::expand",      "aten::unsqueeze", "aten::empty",   "aten::empty_like",
        "aten::chunk",       "aten::split",     "aten::alias",   "aten::as_strided",
        "aten::_unsafe_view"};
    const std::string name = function.name();
    if (name.starts_with("aten::") && depth()++ == 0 && !kFree.contains(name)) ++counts()[name];
    return nullptr;
  }
  static void leave(const at::RecordFunction& function, at::ObserverContext*) {
    if (std::string(function.name()).starts_with("aten::")) --depth();
  }

  at::CallbackHandle handle_;
};

}  // namespace mvn::test
