// Out-of-line destructors: one vtable and one typeinfo of each interface, in this library.
#include "mvn/adapter.h"
#include "mvn/registry.h"
#include "mvn/task.h"
#include "mvn/tokenizer.h"
#include "mvn/vector_task.h"
#include "mvn/whole_batch_task.h"

namespace mvn {

Adapter::~Adapter() = default;
SavedHead Adapter::saved_head() const { return {}; }
void Adapter::merge(Model& /*model*/) {}
Evaluation::~Evaluation() = default;
Registry::~Registry() = default;
Task::~Task() = default;
void Task::write_files(const std::filesystem::path& /*folder*/) const {}
VectorTask::~VectorTask() = default;
WholeBatchTask::~WholeBatchTask() = default;
LossSum WholeBatchTask::loss(Model& model, const Batch& batch) {
  return loss_of(vectors(model, batch), batch.examples);
}

}  // namespace mvn
