// Token sequences on disk, tokenised once and mapped into the memory of every worker that reads
// them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "mvn/tokenizer.h"
#include "mvn/value.h"

namespace mvn {

// Takes sequences one after the other.
class TokenWriter {
 public:
  // `bytes`: of the text that the ids came from; `cut`: some of its tokens were left out.
  void add(std::span<const std::int32_t> ids, std::int64_t bytes = 0, bool cut = false);

 private:
  friend class TokenStore;
  std::vector<std::int32_t> ids_;
  std::vector<std::int32_t> lengths_;
  std::vector<std::int64_t> starts_ = {0};
  std::int64_t bytes_ = 0;
  std::int64_t cut_ = 0;
  std::int32_t largest_id_ = -1;
};

// Immutable; copies share the memory.
class TokenStore {
 public:
  TokenStore() = default;

  // The tokens that `fill` makes of the text in the files `sources`. `folder` is the task's cache
  // folder, which belongs to one tokenizer; `how` is everything else that the tokens depend on.
  // Where the folder has them already, `fill` is not called; of several processes that ask at once,
  // one calls it and the others wait. A file that is damaged, made up, or not this user's own is
  // made again. An empty `folder` keeps them in memory alone.
  static TokenStore open(const std::filesystem::path& folder,
                         const std::vector<std::filesystem::path>& sources, const Value::Map& how,
                         const std::function<void(TokenWriter&)>& fill);

  [[nodiscard]] std::int64_t size() const;
  [[nodiscard]] std::span<const std::int32_t> operator[](std::int64_t index) const;
  [[nodiscard]] std::span<const std::int32_t> lengths() const;
  // The bytes of all texts together.
  [[nodiscard]] std::int64_t bytes() const;
  // How many texts were cut.
  [[nodiscard]] std::int64_t cut() const;
  // -1 where there is no token.
  [[nodiscard]] std::int32_t largest_id() const;

 private:
  struct Data;
  explicit TokenStore(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

  std::shared_ptr<const Data> data_;  // null: empty
};

// The special tokens that the tokenizer puts behind every text: what it gives for an empty one,
// less what it also puts in front of a text.
std::vector<std::int32_t> closing_tokens(const Tokenizer& tokenizer);

}  // namespace mvn
