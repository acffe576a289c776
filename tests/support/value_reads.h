// Which of a thread's operations take a tensor's values to the host: a GPU would be waited for.
#pragma once

#include <ATen/record_function.h>

#include <memory>
#include <set>
#include <string>

#include "mvn/torch.h"

namespace mvn::test {

// Counts while it lives, one at a time.
class ValueReads {
 public:
  ValueReads() {
    names().clear();
    handle_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback(&note).scopes({at::RecordScope::FUNCTION}));
  }
  ~ValueReads() { at::removeCallback(handle_); }
  ValueReads(const ValueReads&) = delete;
  ValueReads& operator=(const ValueReads&) = delete;

  // The operations' names, once each.
  static std::set<std::string>& names() {
    thread_local std::set<std::string> all;
    return all;
  }

 private:
  static std::unique_ptr<at::ObserverContext> note(const at::RecordFunction& function) {
    static const std::set<std::string> kReads = {"aten::_local_scalar_dense",
                                                 "aten::nonzero",
                                                 "aten::masked_select",
                                                 "aten::equal",
                                                 "aten::_unique2",
                                                 "aten::allclose"};
    if (kReads.contains(function.name())) names().insert(function.name());
    return nullptr;
  }

  at::CallbackHandle handle_;
};

}  // namespace mvn::test
