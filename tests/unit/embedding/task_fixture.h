// An embedding task over small files with a tiny model.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "embedding.h"
#include "mvn/whole_batch_task.h"
#include "support/byte_tokenizer.h"
#include "support/temporary_folder.h"

namespace mvn::test {

// Twelve pairs, every third with a hard negative, and three scored pairs to measure on.
class SmallPairs {
 public:
  SmallPairs() {
    std::string rows = "question,answer,wrong,grade\n";
    for (int i = 0; i < 12; ++i) {
      const std::string word(static_cast<std::size_t>(1 + i * 5 % 7), static_cast<char>('a' + i));
      rows += word + "?," + word + word + "," + (i % 3 == 0 ? "no " + word : "") + "," +
              std::to_string(i % 4) + "\n";
    }
    train = folder.write("pairs.csv", rows).string();
    sts = folder.write("sts.csv", "sentence1,sentence2,score\na,b,1\nc,d,2\na,c,3\n").string();
  }

  [[nodiscard]] Value::Map values(const Value::Map& more = {}) const {
    Value::Map all = {{"train", train},       {"validation_sts", sts}, {"anchor", "question"},
                      {"positive", "answer"}, {"negatives", "wrong"},  {"temperature", 0.1}};
    for (const auto& [name, value] : more) all[name] = value;
    return all;
  }

  // A task that has read them.
  [[nodiscard]] std::unique_ptr<Task> task(const Value::Map& more = {},
                                           std::int64_t max_length = 12) const {
    auto made = embedding_entry().make();
    const Params params("task", embedding_entry().params, values(more));
    made->prepare({.params = params,
                   .tokenizer = std::make_shared<ByteTokenizer>(),
                   .max_length = max_length,
                   .cache_folder = {}});
    return made;
  }

  TemporaryFolder folder;
  std::string train;
  std::string sts;
};

}  // namespace mvn::test
