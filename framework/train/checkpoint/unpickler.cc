// A pickle is a program for a stack machine that may call any function of Python. This machine
// knows the opcodes that a state dictionary is made of and five callables; every other opcode or
// global ends the reading with its name.
// Source: CPython's Lib/pickletools.py (opcodes), torch/_utils.py (_rebuild_tensor_v2).
#include "train/checkpoint/unpickler.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "mvn/error.h"

namespace mvn {
namespace {

struct Object;
using Tuple = std::vector<const Object*>;
using Dict = std::vector<std::pair<const Object*, const Object*>>;
struct None {};
struct Mark {};
struct Global {
  std::string name;  // "torch._utils._rebuild_tensor_v2"
};
struct TypedStorage {
  torch::ScalarType dtype;
  Storage storage;
};

struct Object {
  std::variant<None, Mark, bool, std::int64_t, std::string, Tuple, Dict, Global, TypedStorage,
               torch::Tensor>
      value;
};

struct OpcodeName {
  unsigned char code;
  std::string_view name;
};

// The opcodes that are refused, so that the message can name them.
constexpr std::array<OpcodeName, 41> kRefused = {{
    {'0', "POP"},
    {'1', "POP_MARK"},
    {'2', "DUP"},
    {'F', "FLOAT"},
    {'I', "INT"},
    {'L', "LONG"},
    {'P', "PERSID"},
    {'S', "STRING"},
    {'T', "BINSTRING"},
    {'U', "SHORT_BINSTRING"},
    {'V', "UNICODE"},
    {'a', "APPEND"},
    {'d', "DICT"},
    {'e', "APPENDS"},
    {'g', "GET"},
    {'i', "INST"},
    {'l', "LIST"},
    {'o', "OBJ"},
    {'p', "PUT"},
    {'G', "BINFLOAT"},
    {']', "EMPTY_LIST"},
    {'B', "BINBYTES"},
    {'C', "SHORT_BINBYTES"},
    {0x81, "NEWOBJ"},
    {0x82, "EXT1"},
    {0x83, "EXT2"},
    {0x84, "EXT4"},
    {0x8b, "LONG4"},
    {0x8c, "SHORT_BINUNICODE"},
    {0x8d, "BINUNICODE8"},
    {0x8e, "BINBYTES8"},
    {0x8f, "EMPTY_SET"},
    {0x90, "ADDITEMS"},
    {0x91, "FROZENSET"},
    {0x92, "NEWOBJ_EX"},
    {0x93, "STACK_GLOBAL"},
    {0x94, "MEMOIZE"},
    {0x95, "FRAME"},
    {0x96, "BYTEARRAY8"},
    {0x97, "NEXT_BUFFER"},
    {0x98, "READONLY_BUFFER"},
}};

struct StorageType {
  std::string_view global;
  torch::ScalarType dtype;
};

constexpr std::array<StorageType, 9> kStorageTypes = {{
    {"torch.FloatStorage", torch::kFloat32},
    {"torch.HalfStorage", torch::kFloat16},
    {"torch.BFloat16Storage", torch::kBFloat16},
    {"torch.DoubleStorage", torch::kFloat64},
    {"torch.LongStorage", torch::kInt64},
    {"torch.IntStorage", torch::kInt32},
    {"torch.CharStorage", torch::kInt8},
    {"torch.ByteStorage", torch::kUInt8},
    {"torch.BoolStorage", torch::kBool},
}};

// Limits, as a small pickle can ask for much memory: 35 opcodes or so make a tensor, no model has
// as many tensors, and LibTorch's own kernels know no more dimensions.
constexpr std::size_t kMostOpcodes = 2'000'000;
constexpr std::size_t kMostTensors = 100'000;
constexpr std::size_t kMostDimensions = 64;

constexpr std::string_view kOrderedDict = "collections.OrderedDict";
constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";
// Of a parameter that somebody has hung attributes on, which are read and dropped.
constexpr std::string_view kRebuildWithState = "torch._utils._rebuild_parameter_with_state";

const torch::ScalarType* storage_type(const std::string& global) {
  for (const auto& known : kStorageTypes) {
    if (known.global == global) return &known.dtype;
  }
  return nullptr;
}

class Unpickler {
 public:
  Unpickler(std::string where, std::string_view pickle, const StorageFinder& storages)
      : where_(std::move(where)), rest_(pickle), storages_(storages) {}

  std::map<std::string, torch::Tensor> run() {
    for (std::size_t steps = 1; step(); ++steps) {
      if (steps > kMostOpcodes) fail_too_many(kMostOpcodes, "opcodes");
    }
    const auto* dict = std::get_if<Dict>(&pop()->value);
    if (dict == nullptr) fail("does not hold a dictionary of tensors");
    std::map<std::string, torch::Tensor> tensors;
    for (const auto& [key, item] : *dict) {
      const auto& name = get<std::string>(key, "a text as key");
      const auto* tensor = std::get_if<torch::Tensor>(&item->value);
      if (tensor == nullptr) fail("'" + name + "' is not a tensor");
      tensors.insert_or_assign(name, *tensor);
    }
    return tensors;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw DataError(where_ + ": " + what); }

  [[noreturn]] void fail_too_many(std::size_t limit, const std::string& what) const {
    fail("the pickle has more than " + std::to_string(limit) + " " + what +
         ", which no dictionary of a model's tensors needs; convert the file to safetensors");
  }

  template <typename Type>
  const Type& get(const Object* object, const char* wanted) const {
    const auto* value = std::get_if<Type>(&object->value);
    if (value == nullptr) fail(std::string("damaged pickle: expected ") + wanted);
    return *value;
  }

  // --- reading ---
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) fail("damaged pickle: it ends too early");
    const auto bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  template <typename Number>
  Number number() {
    Number value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  std::string line() {
    const auto end = rest_.find('\n');
    if (end == std::string_view::npos) fail("damaged pickle: it ends too early");
    std::string text(take(end));
    take(1);
    return text;
  }

  // A little-endian two's-complement number of any length; 8 bytes are enough for a size.
  std::int64_t long_number() {
    const auto bytes = take(number<std::uint8_t>());
    if (bytes.size() > 8)
      fail("damaged pickle: a number of " + std::to_string(bytes.size()) + " bytes");
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    const auto bits = 8 * bytes.size();
    if (bits > 0 && bits < 64 && (value >> (bits - 1)) != 0) value |= ~std::uint64_t{0} << bits;
    return static_cast<std::int64_t>(value);
  }

  // --- the stack ---
  template <typename Type>
  void push(Type value) {
    arena_.push_back({std::move(value)});
    stack_.push_back(&arena_.back());
  }

  Object* pop() {
    if (stack_.empty()) fail("damaged pickle: its stack is empty");
    Object* top = stack_.back();
    stack_.pop_back();
    return top;
  }

  Object* top() {
    Object* object = pop();
    stack_.push_back(object);
    return object;
  }

  // The objects above the last mark, which goes too.
  Tuple pop_to_mark() {
    std::size_t mark = stack_.size();
    while (mark > 0 && !std::holds_alternative<Mark>(stack_[mark - 1]->value)) --mark;
    if (mark == 0) fail("damaged pickle: no mark on its stack");
    Tuple items(stack_.begin() + static_cast<std::ptrdiff_t>(mark), stack_.end());
    stack_.resize(mark - 1);
    return items;
  }

  void push_tuple(std::size_t size) {
    Tuple items(size);
    for (std::size_t i = size; i-- > 0;) items[i] = pop();
    push(std::move(items));
  }

  void set_items(const Tuple& items) {
    auto* dict = std::get_if<Dict>(&top()->value);
    if (dict == nullptr || items.size() % 2 != 0) fail("damaged pickle: items without dictionary");
    for (std::size_t i = 0; i < items.size(); i += 2) dict->emplace_back(items[i], items[i + 1]);
  }

  void put(std::uint32_t slot) { memo_[slot] = top(); }

  void get_memo(std::uint32_t slot) {
    const auto entry = memo_.find(slot);
    if (entry == memo_.end()) fail("damaged pickle: it recalls what it never stored");
    stack_.push_back(entry->second);
  }

  // Runs one opcode; false after STOP.
  bool step() {
    const auto opcode = number<unsigned char>();
    switch (opcode) {
      case 0x80:  // PROTO
        if (const auto protocol = number<std::uint8_t>(); protocol != 2) {
          fail("pickle protocol " + std::to_string(protocol) + "; torch.save writes 2");
        }
        return true;
      case 'q':  // BINPUT
        put(number<std::uint8_t>());
        return true;
      case 'r':  // LONG_BINPUT
        put(number<std::uint32_t>());
        return true;
      case 'h':  // BINGET
        get_memo(number<std::uint8_t>());
        return true;
      case 'j':  // LONG_BINGET
        get_memo(number<std::uint32_t>());
        return true;
      case 'c':  // GLOBAL
        push_global();
        return true;
      case 'R':  // REDUCE
        reduce();
        return true;
      case 'Q':  // BINPERSID
        load_storage();
        return true;
      case 'b':  // BUILD: the attributes of a dictionary (_metadata) carry no tensor
        pop();
        get<Dict>(top(), "a dictionary");
        return true;
      case '.':  // STOP
        return false;
      default:
        if (!step_value(opcode)) refuse(opcode);
        return true;
    }
  }

  // The opcodes that make plain values and containers.
  bool step_value(unsigned char opcode) {
    switch (opcode) {
      case '(':  // MARK
        push(Mark{});
        return true;
      case ')':  // EMPTY_TUPLE
        push(Tuple{});
        return true;
      case 't':  // TUPLE
        push(pop_to_mark());
        return true;
      case 0x85:  // TUPLE1
      case 0x86:  // TUPLE2
      case 0x87:  // TUPLE3
        push_tuple(opcode - 0x84U);
        return true;
      case '}':  // EMPTY_DICT
        push(Dict{});
        return true;
      case 's': {  // SETITEM
        const auto* value = pop();
        const auto* key = pop();
        set_items({key, value});
        return true;
      }
      case 'u':  // SETITEMS
        set_items(pop_to_mark());
        return true;
      case 'X':  // BINUNICODE
        push(std::string(take(number<std::uint32_t>())));
        return true;
      default:
        return step_scalar(opcode);
    }
  }

  bool step_scalar(unsigned char opcode) {
    switch (opcode) {
      case 'N':  // NONE
        push(None{});
        return true;
      case 0x88:  // NEWTRUE
        push(true);
        return true;
      case 0x89:  // NEWFALSE
        push(false);
        return true;
      case 'J':  // BININT
        push(std::int64_t{number<std::int32_t>()});
        return true;
      case 'K':  // BININT1
        push(std::int64_t{number<std::uint8_t>()});
        return true;
      case 'M':  // BININT2
        push(std::int64_t{number<std::uint16_t>()});
        return true;
      case 0x8a:  // LONG1
        push(long_number());
        return true;
      default:
        return false;
    }
  }

  [[noreturn]] void refuse(unsigned char opcode) const {
    for (const auto& known : kRefused) {
      if (known.code == opcode) {
        fail("refused: the pickle uses opcode " + std::string(known.name) +
             ", which no dictionary of tensors needs");
      }
    }
    fail("damaged pickle: unknown opcode " + std::to_string(opcode));
  }

  // --- the callables ---
  void push_global() {
    const std::string module = line();
    const std::string name = module + "." + line();
    if (name != kOrderedDict && name != kRebuildTensor && name != kRebuildParameter &&
        name != kRebuildWithState && storage_type(name) == nullptr) {
      fail("refused: the pickle uses '" + name +
           "', and only tensors and dictionaries are read; convert the file to safetensors");
    }
    push(Global{name});
  }

  void reduce() {
    const auto& arguments = get<Tuple>(pop(), "arguments");
    const auto& function = get<Global>(pop(), "a global").name;
    if (function == kOrderedDict) {
      if (!arguments.empty()) fail("damaged pickle: OrderedDict with arguments");
      push(Dict{});
    } else if (function == kRebuildTensor) {
      if (++tensors_ > kMostTensors) fail_too_many(kMostTensors, "tensors");
      push(rebuild_tensor(arguments));
    } else if (function == kRebuildParameter || function == kRebuildWithState) {
      if (arguments.empty()) fail("damaged pickle: a parameter without a tensor");
      push(get<torch::Tensor>(arguments[0], "a tensor"));
    } else {
      fail("damaged pickle: '" + function + "' is called");
    }
  }

  // ("storage", type, key, device, elements)
  void load_storage() {
    const auto& id = get<Tuple>(pop(), "a storage");
    if (id.size() != 5 || get<std::string>(id[0], "a storage") != "storage") {
      fail("damaged pickle: not a storage");
    }
    const auto* dtype = storage_type(get<Global>(id[1], "a storage type").name);
    if (dtype == nullptr) fail("damaged pickle: not a storage type");
    auto storage = storages_(get<std::string>(id[2], "a storage's key"));
    std::uint64_t bytes = 0;
    const auto elements = get<std::int64_t>(id[4], "a storage's size");
    if (elements < 0 ||
        __builtin_mul_overflow(static_cast<std::uint64_t>(elements), torch::elementSize(*dtype),
                               &bytes) ||
        bytes != storage.bytes.size()) {
      fail("storage '" + get<std::string>(id[2], "a storage's key") + "' should hold " +
           std::to_string(elements) + " elements of " + std::string(torch::toString(*dtype)) +
           ", it holds " + std::to_string(storage.bytes.size()) + " bytes");
    }
    push(TypedStorage{*dtype, std::move(storage)});
  }

  std::vector<std::int64_t> sizes(const Object* object) const {
    const auto& items = get<Tuple>(object, "a shape");
    if (items.size() > kMostDimensions) {
      fail("a tensor of " + std::to_string(items.size()) + " dimensions (at most " +
           std::to_string(kMostDimensions) + ")");
    }
    std::vector<std::int64_t> numbers;
    for (const auto* item : items) {
      numbers.push_back(get<std::int64_t>(item, "a size"));
      if (numbers.back() < 0) fail("damaged pickle: a negative size");
    }
    return numbers;
  }

  // (storage, offset, size, stride, requires_grad, hooks[, metadata])
  torch::Tensor rebuild_tensor(const Tuple& arguments) const {
    if (arguments.size() < 4) fail("damaged pickle: a tensor without size or stride");
    const auto& typed = get<TypedStorage>(arguments[0], "a storage");
    const auto offset = get<std::int64_t>(arguments[1], "an offset");
    const auto shape = sizes(arguments[2]);
    const auto strides = sizes(arguments[3]);
    const auto element = torch::elementSize(typed.dtype);
    const auto available = typed.storage.bytes.size() / element;
    if (!fits(offset, shape, strides, available)) {
      fail("damaged pickle: a tensor reaches outside its storage");
    }
    if (const auto elements = c10::multiply_integers(shape);
        static_cast<std::size_t>(elements) > available) {
      fail("a tensor of " + std::to_string(elements) + " elements repeats the " +
           std::to_string(available) + " that its storage holds; convert the file to safetensors");
    }
    const char* begin = typed.storage.bytes.data() + static_cast<std::size_t>(offset) * element;
    const auto options = torch::TensorOptions().dtype(typed.dtype);
    if (reinterpret_cast<std::uintptr_t>(begin) % element != 0) {
      fail("a tensor is not aligned to its type; convert the file to safetensors");
    }
    return torch::from_blob(
        const_cast<char*>(begin), shape, strides,  // NOLINT(cppcoreguidelines-pro-type-const-cast)
        [owner = typed.storage.owner](void*) {}, options);
  }

  static bool fits(std::int64_t offset, const std::vector<std::int64_t>& shape,
                   const std::vector<std::int64_t>& strides, std::size_t available) {
    if (offset < 0 || shape.size() != strides.size()) return false;
    std::int64_t last = offset;
    std::int64_t elements = 1;
    bool empty = false;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      std::int64_t reach = 0;
      empty = empty || shape[i] == 0;
      if (__builtin_mul_overflow(elements, shape[i], &elements)) return false;
      if (shape[i] == 0) continue;
      if (__builtin_mul_overflow(shape[i] - 1, strides[i], &reach)) return false;
      if (__builtin_add_overflow(last, reach, &last)) return false;
    }
    if (empty) return static_cast<std::size_t>(offset) <= available;
    return static_cast<std::size_t>(last) < available;
  }

  std::string where_;
  std::string_view rest_;
  const StorageFinder& storages_;
  std::size_t tensors_ = 0;
  std::deque<Object> arena_;  // owns every object: a pickle may make cycles
  std::vector<Object*> stack_;
  std::unordered_map<std::uint32_t, Object*> memo_;
};

}  // namespace

std::map<std::string, torch::Tensor> unpickle_tensors(const std::string& where,
                                                      std::string_view pickle,
                                                      const StorageFinder& storages) {
  return Unpickler(where, pickle, storages).run();
}

}  // namespace mvn
