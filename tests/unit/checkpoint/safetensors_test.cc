#include "mvn/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>

#include "common/files.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

using test::error_of;

// A file from its header and the bytes after it.
std::string file_of(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + std::string(data_bytes, '\0');
}

class Safetensors : public ::testing::Test {
 protected:
  // What opening this content says, without the path in front.
  std::string opening(const std::string& content) const {
    const auto path = folder_.write("a.safetensors", content);
    std::string message = error_of([&] { SafetensorsFile file(path); });
    const std::string prefix = path.string() + ": ";
    return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
  }

  test::TemporaryFolder folder_;
};

TEST_F(Safetensors, ReadsBackWhatItWroteInEveryType) {
  const std::vector<torch::ScalarType> dtypes = {
      torch::kBool,  torch::kUInt8,   torch::kInt8,     torch::kInt16,   torch::kFloat16,
      torch::kInt32, torch::kFloat32, torch::kBFloat16, torch::kFloat64, torch::kInt64};
  std::map<std::string, torch::Tensor> tensors;
  for (const auto dtype : dtypes) {
    tensors.emplace(torch::toString(dtype), torch::arange(6).reshape({2, 3}).to(dtype));
  }
  tensors.emplace("scalar", torch::tensor(3.5F));
  tensors.emplace("empty", torch::empty({0, 4}));
  tensors.emplace("transposed", torch::arange(6, torch::kFloat32).reshape({2, 3}).t());
  const auto path = folder_ / "all.safetensors";
  write_safetensors(path, tensors, {{"note", "a \"quoted\" text"}});

  const SafetensorsFile file(path);
  EXPECT_EQ(file.tensors().size(), tensors.size());
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.metadata().at("note"), "a \"quoted\" text");
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(file.tensors().at(name).dtype, tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(file.get(name), tensor)) << name;
  }
}

TEST_F(Safetensors, WritesLargeAlignmentsFirstAndAlignsTheData) {
  const auto path = folder_ / "order.safetensors";
  write_safetensors(path, {{"a", torch::zeros({1}, torch::kUInt8)},
                           {"b", torch::zeros({1}, torch::kFloat32)},
                           {"c", torch::zeros({1}, torch::kFloat32)}});
  const auto bytes = read_file(path);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  EXPECT_EQ(length % 8, 0U);
  EXPECT_EQ(
      bytes.substr(8, length).substr(0, bytes.substr(8).find_last_of('}') + 1),
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
      R"("c":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},)"
      R"("a":{"dtype":"U8","shape":[1],"data_offsets":[8,9]}})");
}

TEST_F(Safetensors, TensorsOutliveTheirFile) {
  const auto path = folder_ / "a.safetensors";
  write_safetensors(path, {{"a", torch::arange(4)}});
  torch::Tensor tensor;
  {
    const SafetensorsFile file(path);
    tensor = file.get("a");
  }
  std::filesystem::remove(path);
  EXPECT_TRUE(torch::equal(tensor, torch::arange(4)));
}

TEST_F(Safetensors, ReadsUnalignedData) {
  std::string content = file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} )", 4);
  const float value = 2.5F;
  ASSERT_NE((content.size() - 4) % 4, 0U);
  std::memcpy(content.data() + content.size() - 4, &value, sizeof value);
  const SafetensorsFile file(folder_.write("odd.safetensors", content));
  EXPECT_EQ(file.get("a").item<float>(), 2.5F);
}

TEST_F(Safetensors, ReadsAFileWithoutTensors) {
  EXPECT_EQ(opening(file_of("{}", 0)), "(no error)");
}

TEST_F(Safetensors, NamesTheNearestTensor) {
  const auto path = folder_ / "a.safetensors";
  write_safetensors(path, {{"h.0.weight", torch::zeros({1})}});
  const SafetensorsFile file(path);
  EXPECT_EQ(
      error_of([&] { static_cast<void>(file.get("h.0.wieght")); }),
      path.string() + ": no tensor 'h.0.wieght'; did you mean 'h.0.weight'? (known: h.0.weight)");
}

TEST_F(Safetensors, RefusesSizesThatCannotBe) {
  EXPECT_EQ(opening("1234567"),
            "not a safetensors file: 7 bytes, the header's length alone takes 8");
  EXPECT_EQ(opening(std::string(8, '\xff')),
            "not a safetensors file: a header of 18446744073709551615 bytes (at most 100000000)");
  EXPECT_EQ(opening(std::string("\x09\0\0\0\0\0\0\0{}", 10)),
            "truncated: the header should take 9 bytes, the file has 2 after its length");
}

TEST_F(Safetensors, RefusesHeadersThatAreNotOne) {
  EXPECT_EQ(opening(file_of("", 0)), "the header does not begin with '{'");
  EXPECT_EQ(opening(file_of(" {}", 0)), "the header does not begin with '{'");
  EXPECT_EQ(opening(file_of("{]", 0)), "the header is not valid JSON");
  EXPECT_EQ(opening(file_of("{\"\xff\":1}", 0)), "the header is not valid JSON");
  EXPECT_EQ(opening(file_of(R"({"a":[[[[[[[[[[[]]]]]]]]]]]})", 0)),
            "the header is nested too deeply");
  EXPECT_EQ(opening(file_of(R"({"__metadata__":{"a":1}})", 0)),
            "__metadata__ must be an object of texts; 'a' is none");
  EXPECT_EQ(opening(file_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                            R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                            1)),
            "the header names 'a' twice");
}

TEST_F(Safetensors, RefusesEntriesThatLie) {
  const auto entry = [&](const std::string& text, std::size_t data = 4) {
    return opening(file_of("{\"a\":" + text + "}", data));
  };
  EXPECT_EQ(entry("1"), "tensor 'a' needs exactly dtype, shape and data_offsets");
  EXPECT_EQ(entry(R"({"dtype":"F7","shape":[1],"data_offsets":[0,4]})"),
            "tensor 'a': unsupported dtype 'F7'");
  EXPECT_EQ(entry(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})"),
            "tensor 'a': shape must be a list of whole numbers");
  EXPECT_EQ(entry(R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})"),
            "tensor 'a': shape must be a list of whole numbers");
  EXPECT_EQ(entry(R"({"dtype":"F32","shape":[1],"data_offsets":[0]})"),
            "tensor 'a': data_offsets must be two whole numbers");
  EXPECT_EQ(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})"),
            "tensor 'a': data_offsets [0, 4] do not hold the 8 bytes of its shape");
  EXPECT_EQ(entry(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})"),
            "tensor 'a': data_offsets [4, 0] do not hold the 4 bytes of its shape");
  EXPECT_EQ(entry(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]})"),
            "tensor 'a': its shape overflows");
  EXPECT_EQ(entry(R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]})", 0),
            "tensor 'a': its shape overflows");
}

TEST_F(Safetensors, RefusesHolesOverlapsAndLeftovers) {
  const auto two = [&](const std::string& a, const std::string& b, std::size_t data) {
    return opening(file_of(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)" + a +
                               R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)" + b + "}}",
                           data));
  };
  EXPECT_EQ(two("[0,2]", "[2,4]", 4), "(no error)");
  EXPECT_EQ(two("[0,2]", "[1,3]", 3),
            "tensor 'b' begins at byte 1, inside another tensor (expected 2)");
  EXPECT_EQ(two("[0,2]", "[0,2]", 2),
            "tensor 'b' begins at byte 0, inside another tensor (expected 2)");
  EXPECT_EQ(two("[0,2]", "[3,5]", 5), "tensor 'b' begins at byte 3, after a hole (expected 2)");
  EXPECT_EQ(two("[0,2]", "[2,4]", 3), "truncated: the tensors take 4 bytes, the file holds 3");
  EXPECT_EQ(two("[0,2]", "[2,4]", 5),
            "bytes left over: the tensors take 4 bytes, the file holds 5");
}

TEST_F(Safetensors, RefusesAFolderAndAMissingFile) {
  EXPECT_EQ(error_of([&] { SafetensorsFile file(folder_.path()); }),
            folder_.path().string() + ": is a folder, not a file");
  const auto missing = folder_ / "none.safetensors";
  EXPECT_EQ(error_of([&] { SafetensorsFile file(missing); }),
            missing.string() + ": cannot read: No such file or directory");
}

}  // namespace
}  // namespace mvn
