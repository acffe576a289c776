// Which operations of LibTorch's a thread calls, as many times as it does: on a GPU each that is no
// view is a launch at least.
#pragma once

#include <ATen/record_function.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "mvn/torch.h"

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
  // Views, what makes memory, and what does nothing or calls another to do it.
  static bool is_free(const std::string& name) {
    static const std::set<std::string> kFree = {"alias",        "as_strided", "chunk",
                                                "contiguous",   "detach",     "detach_",
                                                "empty",        "empty_like", "empty_strided",
                                                "expand",       "flatten",    "narrow",
                                                "new_empty",    "permute",    "reshape",
                                                "resolve_conj", "select",     "slice",
                                                "split",        "squeeze",    "t",
                                                "to",           "transpose",  "unflatten",
                                                "unsqueeze",    "view",       "view_as",
                                                "_unsafe_view", "lift_fresh", "result_type"};
    return !name.starts_with("aten::") || kFree.contains(name.substr(6));
  }
  static std::unique_ptr<at::ObserverContext> enter(const at::RecordFunction& function) {
    const std::string name = function.name();
    if (!is_free(name) && depth()++ == 0) ++counts()[name];
    return nullptr;
  }
  static void leave(const at::RecordFunction& function, at::ObserverContext*) {
    if (!is_free(function.name())) --depth();
  }

  at::CallbackHandle handle_;
};

}  // namespace mvn::test
