#include "mvn/torch_archive.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "support/error_of.h"
#include "support/temporary_folder.h"
#include "train/checkpoint/unpickler.h"
#include "train/checkpoint/zip_archive.h"

namespace mvn {
namespace {

using test::error_of;
using namespace std::string_literals;  // NOLINT: pickles hold NUL bytes

// One storage, "0": four floats.
std::map<std::string, torch::Tensor> unpickle(const std::string& pickle) {
  static const std::array<float, 4> values = {1, 2, 3, 4};
  return unpickle_tensors("x.bin", pickle, [](const std::string& key) -> Storage {
    if (key != "0") throw DataError("x.bin: no storage '" + key + "'");
    return {{reinterpret_cast<const char*>(values.data()), sizeof values}, nullptr};
  });
}

std::string refusal(const std::string& pickle) {
  return error_of([&] { unpickle(pickle); });
}

std::string text(const std::string& value) {
  return "X"s + static_cast<char>(value.size()) + "\0\0\0"s + value;
}

// {"w": tensor} with this offset, size and stride (each already pickled).
std::string tensor_pickle(const std::string& offset, const std::string& size,
                          const std::string& stride) {
  return "\x80\x02}" + text("w") + "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") +
         "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K\x04tQ" + offset + size + stride +
         "\x89}tRs.";
}

TEST(Unpickler, BuildsATensor) {
  const auto tensors = unpickle(tensor_pickle("K\x01", "K\x03\x85", "K\x01\x85"));
  EXPECT_TRUE(torch::equal(tensors.at("w"), torch::tensor({2.0F, 3.0F, 4.0F})));
}

TEST(Unpickler, BuildsATransposedView) {
  const auto tensors = unpickle(tensor_pickle("K\0"s, "K\x02K\x02\x86", "K\x01K\x02\x86"));
  EXPECT_TRUE(torch::equal(tensors.at("w"), torch::tensor({{1.0F, 3.0F}, {2.0F, 4.0F}})));
}

TEST(Unpickler, RefusesTensorsOutsideTheirStorage) {
  const std::string outside = "x.bin: damaged pickle: a tensor reaches outside its storage";
  EXPECT_EQ(refusal(tensor_pickle("K\x02", "K\x03\x85", "K\x01\x85")), outside);
  EXPECT_EQ(refusal(tensor_pickle("K\0"s, "K\x03\x85", "K\x02\x85")), outside);
  EXPECT_EQ(refusal(tensor_pickle("J\xff\xff\xff\xff", "K\x01\x85", "K\x01\x85")), outside);
  EXPECT_EQ(refusal(tensor_pickle("K\x05", "K\0\x85"s, "K\x01\x85")), outside);
  const auto huge = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"s;
  EXPECT_EQ(refusal(tensor_pickle("K\0"s, huge + huge + "\x86", "K\0K\0\x86"s)), outside);
  EXPECT_EQ(refusal(tensor_pickle("K\x01", huge + "\x85", huge + "\x85")), outside);
  EXPECT_EQ(refusal(tensor_pickle("K\0"s, "J\xff\xff\xff\xff\x85", "K\x01\x85")),
            "x.bin: damaged pickle: a negative size");
}

// A few bytes that would fill the memory as soon as they are copied.
TEST(Unpickler, RefusesTensorsOfMoreElementsThanTheirStorage) {
  const auto repeats = [](const std::string& elements) {
    return "x.bin: a tensor of " + elements +
           " elements repeats the 4 that its storage holds; convert the file to safetensors";
  };
  EXPECT_EQ(refusal(tensor_pickle("K\0"s, "K\x05\x85", "K\0\x85"s)), repeats("5"));
  const auto huge = "\x8a\x06\0\0\0\0\0\x20"s;
  EXPECT_EQ(refusal(tensor_pickle("K\0"s, huge + "\x85", "K\0\x85"s)), repeats("35184372088832"));
  EXPECT_EQ(refusal(tensor_pickle("K\0"s, "K\x03K\x02\x86", "K\x01K\x01\x86")), repeats("6"));
  EXPECT_EQ(unpickle(tensor_pickle("K\0"s, huge + "K\0\x86"s, "K\0K\0\x86"s)).at("w").numel(), 0);
}

TEST(Unpickler, RefusesPicklesThatAreMadeToFillTheMemory) {
  const auto too_many = [](const std::string& what) {
    return "x.bin: the pickle has more than " + what +
           ", which no dictionary of a model's tensors needs; convert the file to safetensors";
  };
  EXPECT_EQ(refusal("\x80\x02" + std::string(3'000'000, 'N') + "."), too_many("2000000 opcodes"));
  // The function, a tensor's arguments, and then again and again: recall both, call.
  std::string calls;
  for (int i = 0; i < 100'001; ++i) calls += "h\x01h\x02R";
  EXPECT_EQ(refusal("\x80\x02"
                    "ctorch._utils\n_rebuild_tensor_v2\nq\x01((" +
                    text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") +
                    "K\x04tQK\0K\x01\x85K\x01\x85tq\x02"s + calls + "."),
            too_many("100000 tensors"));
  std::string ones = "(";
  for (int i = 0; i < 65; ++i) ones += "K\x01";
  EXPECT_EQ(refusal(tensor_pickle("K\0"s, ones + "t", ones + "t")),
            "x.bin: a tensor of 65 dimensions (at most 64)");
}

TEST(Unpickler, RefusesCodeByItsName) {
  EXPECT_EQ(refusal("\x80\x02"
                    "cos\nsystem\n" +
                    text("true") + "\x85R."),
            "x.bin: refused: the pickle uses 'os.system', and only tensors and dictionaries are "
            "read; convert the file to safetensors");
  EXPECT_EQ(refusal("\x80\x02"
                    "ctorch._utils\n_rebuild_qtensor\n."),
            "x.bin: refused: the pickle uses 'torch._utils._rebuild_qtensor', and only tensors and "
            "dictionaries are read; convert the file to safetensors");
}

TEST(Unpickler, RefusesOtherOpcodesByTheirName) {
  const auto refused = [](const std::string& name) {
    return "x.bin: refused: the pickle uses opcode " + name +
           ", which no dictionary of tensors needs";
  };
  EXPECT_EQ(refusal("\x80\x02)i"), refused("INST"));
  EXPECT_EQ(refusal("\x80\x02)o"), refused("OBJ"));
  EXPECT_EQ(refusal("\x80\x02)\x81"), refused("NEWOBJ"));
  EXPECT_EQ(refusal("\x80\x02\x93"), refused("STACK_GLOBAL"));
  EXPECT_EQ(refusal("\x80\x02]"), refused("EMPTY_LIST"));
  EXPECT_EQ(refusal("\x80\x02\x82\x01"), refused("EXT1"));
  EXPECT_EQ(refusal("\x80\x02\xfe"), "x.bin: damaged pickle: unknown opcode 254");
  EXPECT_EQ(refusal("\x80\x04."), "x.bin: pickle protocol 4; torch.save writes 2");
}

TEST(Unpickler, RefusesDamage) {
  EXPECT_EQ(refusal(""), "x.bin: damaged pickle: it ends too early");
  EXPECT_EQ(refusal("X\xff\xff\xff\x7f"
                    "a"),
            "x.bin: damaged pickle: it ends too early");
  EXPECT_EQ(refusal("\x80\x02."), "x.bin: damaged pickle: its stack is empty");
  EXPECT_EQ(refusal("\x80\x02t."), "x.bin: damaged pickle: no mark on its stack");
  EXPECT_EQ(refusal("\x80\x02h\x01."), "x.bin: damaged pickle: it recalls what it never stored");
  EXPECT_EQ(refusal("\x80\x02K\x01."), "x.bin: does not hold a dictionary of tensors");
  EXPECT_EQ(refusal("\x80\x02}" + text("w") + "K\x01s."), "x.bin: 'w' is not a tensor");
  EXPECT_EQ(refusal("\x80\x02}K\x01K\x01s."), "x.bin: damaged pickle: expected a text as key");
  EXPECT_EQ(refusal("\x80\x02"
                    "ctorch\nFloatStorage\n)R."),
            "x.bin: damaged pickle: 'torch.FloatStorage' is called");
}

// A dictionary that holds itself must not leak or loop.
TEST(Unpickler, SurvivesACycle) {
  EXPECT_EQ(refusal("\x80\x02}q\x01" + text("w") + "h\x01s."), "x.bin: 'w' is not a tensor");
}

TEST(TorchArchive, ReadsWhatTorchSaveWrote) {
  const auto tensors = read_torch_archive(std::filesystem::path(MVN_TEST_REFERENCE) /
                                          "mamba-original" / "pytorch_model.bin");
  EXPECT_EQ(tensors.at("backbone.embedding.weight").sizes().vec(),
            (std::vector<std::int64_t>{64, 16}));
  EXPECT_EQ(tensors.at("backbone.embedding.weight").data_ptr(),
            tensors.at("lm_head.weight").data_ptr());
}

TEST(TorchArchive, RefusesWhatIsNoZipArchive) {
  const test::TemporaryFolder folder;
  const auto path = folder.write("old.bin", "\x80\x02\x8a\x0al\xfc\x9c" + std::string(64, 'x'));
  EXPECT_EQ(error_of([&] { read_torch_archive(path); }),
            path.string() +
                ": not a zip archive, so not a file that torch.save of PyTorch 1.6 or "
                "later has written");
}

// A zip archive of one stored entry, whose method and sizes can be made to lie.
std::string zip_of(const std::string& name, const std::string& data, std::uint16_t method = 0,
                   std::uint32_t claimed = 0) {
  const auto u16 = [](std::uint16_t v) { return std::string(reinterpret_cast<char*>(&v), 2); };
  const auto u32 = [](std::uint32_t v) { return std::string(reinterpret_cast<char*>(&v), 4); };
  const auto size = claimed == 0 ? static_cast<std::uint32_t>(data.size()) : claimed;
  const auto length = static_cast<std::uint16_t>(name.size());
  const std::string local = u32(0x04034b50) + u16(20) + u16(0) + u16(method) + u32(0) + u32(0) +
                            u32(size) + u32(size) + u16(length) + u16(0) + name + data;
  const std::string central = u32(0x02014b50) + u16(20) + u16(20) + u16(0) + u16(method) + u32(0) +
                              u32(0) + u32(size) + u32(size) + u16(length) + u16(0) + u16(0) +
                              u16(0) + u16(0) + u32(0) + u32(0) + name;
  return local + central + u32(0x06054b50) + u16(0) + u16(0) + u16(1) + u16(1) +
         u32(static_cast<std::uint32_t>(central.size())) +
         u32(static_cast<std::uint32_t>(local.size())) + u16(0);
}

TEST(ZipArchive, ReadsStoredEntries) {
  const std::string zip = zip_of("a/data.pkl", "hello");
  EXPECT_EQ(read_stored_zip("x.bin", zip).at("a/data.pkl"), "hello");
}

TEST(ZipArchive, RefusesCompressionAndLies) {
  EXPECT_EQ(error_of([] { read_stored_zip("x.bin", zip_of("a", "hello", 8)); }),
            "x.bin: entry 'a' is compressed or encrypted; torch.save stores entries plainly");
  EXPECT_EQ(error_of([] { read_stored_zip("x.bin", zip_of("a", "hello", 0, 4000)); }),
            "x.bin: damaged zip archive: it ends in the middle of an entry");
  EXPECT_EQ(error_of([] { read_stored_zip("x.bin", std::string(22, '\0')); }),
            "x.bin: not a zip archive, so not a file that torch.save of PyTorch 1.6 or later has "
            "written");
}

}  // namespace
}  // namespace mvn
