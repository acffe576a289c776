// An unpickler that can build tensors and dictionaries (and the numbers, texts and tuples they are
// made of) and nothing else.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "mvn/torch.h"

namespace mvn {

// Finds the bytes of a storage by its key; what it returns keeps alive whatever holds them.
struct Storage {
  std::string_view bytes;
  std::shared_ptr<const void> owner;
};
using StorageFinder = std::function<Storage(const std::string& key)>;

// The tensors of a pickled state dictionary. `where` begins the message of every DataError.
std::map<std::string, torch::Tensor> unpickle_tensors(const std::string& where,
                                                      std::string_view pickle,
                                                      const StorageFinder& storages);

}  // namespace mvn
