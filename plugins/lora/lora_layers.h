// The low-rank updates that go into the slots of linear layers and embeddings.
// Source: huggingface/peft src/peft/tuners/lora/{layer,dora}.py
#pragma once

#include <cstdint>
#include <optional>

#include "lora_config.h"
#include "mvn/linear.h"
#include "mvn/torch.h"

namespace mvn {

// What one layer gets: r and scaling are looked up for it.
struct LoraLayerSettings {
  std::int64_t r;
  double scaling;
  double dropout = 0;
  bool use_dora = false;
  LoraStart start = LoraStart::kKaiming;
  std::optional<std::int64_t> pissa_iterations = {};
};

// y = W x + b + scaling * B(A(dropout(x))), A [r, in], B [out, r]. They are float32 even where the
// base layer is of half precision. With DoRA the rows of W + scaling * B A are then rescaled to
// the norms in `lora_magnitude_vector`.
class LoraLinear : public LinearAdapter {
 public:
  // Parameters on the base's device; nothing is filled in.
  LoraLinear(const Linear& base, const LoraLayerSettings& settings);

  // Fills in the start; PiSSA takes its product out of the base weight.
  void initialise(Linear& base, torch::Generator generator);

  torch::Tensor forward(const Linear& base, const torch::Tensor& x) override;

  // The weight of a plain layer that computes the same, float32.
  [[nodiscard]] torch::Tensor merged_weight(const Linear& base) const;

  [[nodiscard]] const LoraLayerSettings& settings() const { return settings_; }

  torch::Tensor lora_A;
  torch::Tensor lora_B;
  torch::Tensor lora_magnitude_vector;  // undefined without DoRA
  torch::Tensor start_A;                // copies of PiSSA's start, undefined otherwise
  torch::Tensor start_B;

 private:
  void start_pissa(Linear& base, torch::Generator generator);
  torch::Tensor dora_forward(const Linear& base, const torch::Tensor& x);
  [[nodiscard]] torch::Tensor row_norms(const Linear& base) const;

  LoraLayerSettings settings_;
};

// rows[ids] + scaling * A^T[ids] B^T, A [r, vocabulary], B [width, r]. A starts at zero and B
// random: the other way round than in linear layers, as PEFT has it.
class LoraEmbedding : public EmbeddingAdapter {
 public:
  LoraEmbedding(const Embedding& base, const LoraLayerSettings& settings);
  void initialise(torch::Generator generator);
  torch::Tensor forward(const Embedding& base, const torch::Tensor& ids) override;
  [[nodiscard]] torch::Tensor merged_weight(const Embedding& base) const;

  torch::Tensor lora_embedding_A;
  torch::Tensor lora_embedding_B;

 private:
  LoraLayerSettings settings_;
};

}  // namespace mvn
