#include "train/trainer/vector_file.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <iterator>

#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn::test {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string bytes(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

void write(VectorFile& file, std::int64_t row, float first) {
  const std::array<float, 2> values = {first, first + 1};
  file.write_row(row, values);
}

TEST(VectorFile, NumpyFindsTheMatrix) {
  const TemporaryFolder folder;
  {
    VectorFile file(folder / "a/vectors.npy", 3, 2, "x");
    write(file, 2, 5);
    write(file, 0, 1);
    write(file, 1, 3);
    EXPECT_FALSE(std::filesystem::exists(folder / "a/vectors.npy"));
    file.finish();
  }
  const auto all = content(folder / "a/vectors.npy");
  EXPECT_EQ(std::string("\x93NUMPY\x01\x00\x76\x00", 10), all.substr(0, 10));
  EXPECT_EQ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }",
            all.substr(10, all.find('}') - 9));
  EXPECT_EQ('\n', all[127]);
  EXPECT_EQ(bytes({1, 2, 3, 4, 5, 6}), all.substr(128));
  EXPECT_EQ(1, std::distance(std::filesystem::directory_iterator(folder / "a"), {}));
}

TEST(VectorFile, SafetensorsFindsTheMatrix) {
  const TemporaryFolder folder;
  VectorFile file(folder / "v.safetensors", 1, 2, "x");
  write(file, 0, 1);
  file.finish();
  const auto all = content(folder / "v.safetensors");
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(all[0]));
  EXPECT_EQ(std::string(7, '\0'), all.substr(1, 7));
  EXPECT_EQ(0U, length % 8);
  const std::string expected =
      R"({"__metadata__":{"format":"pt"},"embeddings":{"data_offsets":[0,8],"dtype":"F32",)"
      R"("shape":[1,2]}})";
  EXPECT_EQ(expected, all.substr(8, expected.size()));
  EXPECT_EQ(bytes({1, 2}), all.substr(8 + length));
}

TEST(VectorFile, GoesOnWhereItWasSaved) {
  const TemporaryFolder folder;
  const auto path = folder / "v.npy";
  {
    VectorFile file(path, 2, 2, "x");
    EXPECT_EQ(0, file.saved());
    write(file, 1, 7);
    file.save(1);
  }
  {
    VectorFile file(path, 2, 2, "x");
    EXPECT_EQ(1, file.saved());
    write(file, 0, 1);
    file.finish();
  }
  EXPECT_EQ(bytes({1, 2, 7, 8}), content(path).substr(128));
}

TEST(VectorFile, WhatIsOfAnotherMatrixIsBegunAnew) {
  const TemporaryFolder folder;
  const auto path = folder / "v.npy";
  {
    VectorFile file(path, 2, 2, "x");
    file.save(1);
  }
  {
    const VectorFile file(path, 3, 2, "y");
    EXPECT_EQ(0, file.saved());
  }
  // Nobody could have gone on with that one.
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(VectorFile, SaysWhatCannotBeWritten) {
  const TemporaryFolder folder;
  EXPECT_EQ("--output: ends in .npy or .safetensors, which 'v.txt' does not",
            error_of([] { check_vector_file("v.txt"); }));
  const auto there = folder.write("v.npy", "mine");
  EXPECT_EQ("--output: " + there.string() + " exists; remove it or name another file",
            error_of([&] { const VectorFile file(there, 1, 1, "x"); }));
  EXPECT_EQ("mine", content(there));
}

}  // namespace
}  // namespace mvn::test
