// The scan's kernels alone, on buffers that are there already: scan_kernels
//
// B 4, D 1536, N 16, one thread; nanoseconds of processor time a (batch, token, channel) place, the
// median of the rounds, beside what no such scan can be faster than on this machine: its products,
// and its memory read and written once. The rates of both are measured first.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory_resource>
#include <random>
#include <string>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "scan_kernels.h"

namespace mvn::mamba {
namespace {

constexpr std::int64_t kBatch = 4;
constexpr std::int64_t kChannels = 1536;
constexpr std::int64_t kStates = 16;
constexpr int kRounds = 21;

// Products (a product and sum is one) of a token of one channel, as the kernels take them: for each
// of the states, and the rest. A division takes the time of two beside other products. Sums,
// rounding, powers of two, loads and stores are done beside them.
constexpr double kForwardProducts = 9 * kStates + 30;
constexpr double kBackwardProducts = 16 * kStates + 43;

template <typename Work>
double nanoseconds(const Work& work) {
  timespec start{};
  timespec end{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
  work();
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
  return static_cast<double>(end.tv_sec - start.tv_sec) * 1e9 +
         static_cast<double>(end.tv_nsec - start.tv_nsec);
}

// The median of the rounds, after one that does not count.
template <typename Work>
double median(const Work& work) {
  work();
  std::vector<double> times;
  for (int round = 0; round < kRounds; ++round) times.push_back(nanoseconds(work));
  std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
  return times[kRounds / 2];
}

// Products and sums that do not wait for one another, of the widest vectors that the kernels use.
#if defined(__x86_64__)
[[gnu::target("avx512f")]] void multiply_512(int times) {
  __m512 x[12];
  for (auto& each : x) each = _mm512_setzero_ps();
  const __m512 y = _mm512_set1_ps(0.5F);
  for (int i = 0; i < times; ++i) {
#pragma GCC unroll 12
    for (auto& each : x) {
      each = _mm512_fmadd_ps(each, y, y);
      __asm__ volatile("" : "+v"(each));
    }
  }
}
#endif

// Nanoseconds of a product and sum of one number, or 0 where the kernels' vectors are others.
double time_of_product() {
#if defined(__x86_64__)
  constexpr int kTimes = 100'000;
  if (std::string(scan_kernels().name) == "avx512") {
    return median([] { multiply_512(kTimes); }) / (12.0 * 16 * kTimes);
  }
#endif
  return 0;
}

// Nanoseconds of a byte read or written, in a copy of what no cache holds.
double time_of_byte() {
  constexpr std::size_t kBytes = 256 << 20;
  std::vector<char> from(kBytes, 1);
  std::vector<char> to(kBytes, 2);
  return median([&] { std::memcpy(to.data(), from.data(), kBytes); }) / (2.0 * kBytes);
}

struct Rates {
  double product;
  double byte;
};

void print(const std::string& work, double time, double products, double bytes, Rates rates) {
  std::printf("| %s %.2f | %.2f | %.2f |\n", work.c_str(), time, products * rates.product,
              bytes * rates.byte);
  std::fflush(stdout);
}

float as(float, float x) { return x; }
Half as(Half, float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return {static_cast<std::uint16_t>(bits >> 16)};
}

// The arguments of the kernels, as a Mamba block calls them while its A, D and bias are frozen.
template <typename Real>
class Buffers {
 public:
  explicit Buffers(std::int64_t length) {
    for (std::int64_t i = 0; i <= kBatch; ++i) {
      offsets_.push_back(i * length);
      chunk_offsets_.push_back(i * scan_chunks(length));
    }
    const std::int64_t tokens = kBatch * length;
    in.channels = kChannels;
    in.states = kStates;
    in.offsets = offsets_.data();
    in.sequences = kBatch;
    in.chunk_offsets = chunk_offsets_.data();
    in.u = draw<Real>(tokens * kChannels, 0, 1);
    in.delta = draw<Real>(tokens * kChannels, 0, 1);
    in.z = draw<Real>(tokens * kChannels, 0, 1);
    in.u_stride = in.delta_stride = in.z_stride = kChannels;
    in.delta_bias = draw<float>(kChannels, -4, 0);
    in.a = draw<float>(kChannels * kStates, -8, 1);
    in.b = draw<Real>(tokens * kStates, 0, 1);
    in.c = draw<Real>(tokens * kStates, 0, 1);
    in.b_stride = in.c_stride = kStates;
    in.d = draw<float>(kChannels, 1, 0);
    const auto kept = scan_checkpoint_size(chunk_offsets_.back(), kChannels, kStates);
    outputs = {make<Real>(tokens * kChannels), make<float>(static_cast<std::int64_t>(kept))};
    gradients.d_out = draw<Real>(tokens * kChannels, 0, 1);
    gradients.d_out_stride = gradients.d_z_stride = kChannels;
    gradients.checkpoints = outputs.checkpoints;
    gradients.d_u = make<Real>(tokens * kChannels);
    gradients.d_delta = make<Real>(tokens * kChannels);
    gradients.d_z = make<Real>(tokens * kChannels);
    gradients.d_b = make<float>(scan_groups(kChannels) * tokens * kStates);
    gradients.d_c = make<float>(scan_groups(kChannels) * tokens * kStates);
  }

  ScanInputs<Real> in;
  ScanOutputs<Real> outputs;
  ScanGradients<Real> gradients;

 private:
  // Aligned as LibTorch's tensors are.
  template <typename T>
  T* make(std::int64_t count) {
    const auto bytes = static_cast<std::size_t>(count) * sizeof(T);
    return static_cast<T*>(std::memset(memory_.allocate(bytes, 64), 0, bytes));
  }

  template <typename T>
  T* draw(std::int64_t count, float mean, float spread) {
    std::normal_distribution<float> normal;
    T* values = make<T>(count);
    for (std::int64_t i = 0; i < count; ++i) values[i] = as(T{}, mean + spread * normal(random_));
    return values;
  }

  std::pmr::monotonic_buffer_resource memory_;
  std::mt19937 random_;
  std::vector<std::int64_t> offsets_, chunk_offsets_;
};

template <typename Real, typename Forward, typename Backward>
void measure(const char* precision, std::int64_t length, Forward forward, Backward backward,
             Rates rates) {
  Buffers<Real> buffers(length);
  const std::int64_t groups = scan_groups(kChannels);
  const ScanOutputs<Real> without_states{buffers.outputs.out, nullptr};
  const double places = static_cast<double>(kBatch * length * kChannels);
  const auto time = [&](const auto& kernel) {
    return median([&] {
             for (std::int64_t item = 0; item < kBatch * groups; ++item) kernel(item);
           }) /
           places;
  };
  const double plain = time([&](std::int64_t i) { forward(buffers.in, without_states, i); });
  const double keeping = time([&](std::int64_t i) { forward(buffers.in, buffers.outputs, i); });
  const double back = time([&](std::int64_t i) { backward(buffers.in, buffers.gradients, i); });
  // u, delta, z and the output; back d_out and the other gradients too. 16 states of 4 bytes are
  // kept every 16 tokens.
  const double element = sizeof(Real);
  const double states = 4.0 * kStates / kScanChunk;
  const std::string work = "L " + std::to_string(length) + " | " + precision + " |";
  print("forward, " + work, plain, kForwardProducts, 4 * element, rates);
  print("forward, states kept, " + work, keeping, kForwardProducts, 4 * element + states, rates);
  print("backward, " + work, back, kBackwardProducts, 7 * element + states, rates);
}

}  // namespace
}  // namespace mvn::mamba

int main() {
  using namespace mvn::mamba;
  const auto& kernels = scan_kernels();
  const Rates rates{time_of_product(), time_of_byte()};
  std::printf(
      "%s kernels; a product and sum of 16 numbers takes %.3f ns here (0: not known), a "
      "copy makes %.1f GB/s\n\n",
      kernels.name, 16 * rates.product, 0.5 / rates.byte);
  std::puts("| work | precision | ns a place | its products | its memory |\n|---|---|---|---|---|");
  for (const std::int64_t length : {64, 128, 256, 512}) {
    measure<float>("fp32", length, kernels.forward, kernels.backward, rates);
    measure<mvn::Half>("bf16", length, kernels.forward_bf16, kernels.backward_bf16, rates);
  }
}
