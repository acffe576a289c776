// Out-of-line destructors: one vtable and one typeinfo of each interface, in this library.
#include "mvn/adapter.h"
#include "mvn/registry.h"
#include "mvn/task.h"
#include "mvn/tokenizer.h"

namespace mvn {

Adapter::~Adapter() = default;
SavedHead Adapter::saved_head() const { return {}; }
void Adapter::merge(Model& /*model*/) {}
Evaluation::~Evaluation() = default;
Registry::~Registry() = default;
Task::~Task() = default;

}  // namespace mvn
