// A matrix of fp32 written row by row into a file that others open, and gone on with after a kill.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace mvn {

// OUTPUT.part beside `output` until finish(), and OUTPUT.part.json, which says how far it is.
class VectorFile {
 public:
  // `output` ends in .npy or .safetensors (one tensor, "embeddings"). `identity` is all that the
  // numbers depend on: what lies there of another one is begun anew. Throws ConfigError("--output")
  // for another ending and where `output` is there already, DiskFull.
  VectorFile(const std::filesystem::path& output, std::int64_t rows, std::int64_t columns,
             std::string identity);
  ~VectorFile();
  VectorFile(const VectorFile&) = delete;
  VectorFile& operator=(const VectorFile&) = delete;

  // The count that the last save() of an earlier process gave; 0 where there was none.
  [[nodiscard]] std::int64_t saved() const { return saved_; }

  void write_row(std::int64_t row, std::span<const float> values);
  // All rows so far are on the disk, and `count` is remembered.
  void save(std::int64_t count);
  // Gives the file its name.
  void finish();

 private:
  void open_part();
  void write_at(std::int64_t offset, const void* bytes, std::size_t size) const;
  [[nodiscard]] std::filesystem::path state_file() const;

  std::filesystem::path output_;
  std::filesystem::path part_;
  std::string header_;
  std::string identity_;
  std::int64_t rows_;
  std::int64_t columns_;
  std::int64_t saved_ = 0;
  int descriptor_ = -1;
};

// Throws ConfigError("--output") unless a VectorFile can be called so: before anything is computed.
void check_vector_file(const std::filesystem::path& output);

}  // namespace mvn
