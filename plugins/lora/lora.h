// The LoRA adapter: low-rank updates beside frozen weights (Hu et al., arXiv 2106.09685), in the
// forms and files of Hugging Face's PEFT.
#pragma once

#include "mvn/registry.h"

namespace mvn {

AdapterEntry lora_entry();

}  // namespace mvn
