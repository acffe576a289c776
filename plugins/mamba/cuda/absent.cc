// In the place of kernels.cu where no CUDA compiler was found.
#include <stdexcept>

#include "kernels.h"

namespace mvn::mamba::gpu {
namespace {

[[noreturn]] void refuse() {
  throw std::logic_error("mamba was built without a CUDA compiler; ask gpu::refusal() first");
}

}  // namespace

const std::string& refusal(int) {
  static const std::string reason =
      "mamba was built without a CUDA compiler (see docs/building.md)";
  return reason;
}
std::int64_t scan_parts(std::int64_t, std::int64_t, int) { refuse(); }
std::int64_t conv_parts(std::int64_t) { refuse(); }

template <typename Real>
void scan_forward(const ScanInputs<Real>&, const ScanOutputs<Real>&, const Launch&) {
  refuse();
}
template <typename Real>
void scan_backward(const ScanInputs<Real>&, const ScanGradients<Real>&, std::int64_t,
                   const Launch&) {
  refuse();
}
template <typename Real>
void conv_forward(const ConvInputs<Real>&, Real*, std::int64_t, const Launch&) {
  refuse();
}
template <typename Real>
void conv_backward(const ConvInputs<Real>&, const ConvGradients<Real>&, std::int64_t,
                   const Launch&) {
  refuse();
}

template void scan_forward(const ScanInputs<float>&, const ScanOutputs<float>&, const Launch&);
template void scan_forward(const ScanInputs<Half>&, const ScanOutputs<Half>&, const Launch&);
template void scan_backward(const ScanInputs<float>&, const ScanGradients<float>&, std::int64_t,
                            const Launch&);
template void scan_backward(const ScanInputs<Half>&, const ScanGradients<Half>&, std::int64_t,
                            const Launch&);
template void conv_forward(const ConvInputs<float>&, float*, std::int64_t, const Launch&);
template void conv_forward(const ConvInputs<Half>&, Half*, std::int64_t, const Launch&);
template void conv_backward(const ConvInputs<float>&, const ConvGradients<float>&, std::int64_t,
                            const Launch&);
template void conv_backward(const ConvInputs<Half>&, const ConvGradients<Half>&, std::int64_t,
                            const Launch&);

}  // namespace mvn::mamba::gpu
