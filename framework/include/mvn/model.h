// Model: what a model plugin implements.
//
// Shape suffixes used throughout: B batch, L length (tokens), D width (hidden size), V vocabulary.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mvn/params.h"
#include "mvn/torch.h"
#include "mvn/value.h"

namespace mvn {

// What a saved model is to be opened as: it decides `architectures` in config.json and the prefix
// of the tensor names.
enum class HeadKind { kNone, kLanguageModel, kClassification };

// The tensor of a classifier's head, [classes, D], as checkpoints name it.
inline constexpr const char* kClassifierTensor = "score.weight";

// What a model is built from.
struct ModelContext {
  const Params& params;          // the plugin's own parameters
  const Value::Map& config;      // Hugging Face's config.json, inline overrides merged in
  torch::TensorOptions options;  // dtype and device of the parameters; the device may be `meta`
                                 // (shapes only), so a constructor never reads a tensor's values
  // What the task will put on top: without a language-model head, a model leaves out the untied
  // matrix that only lm_logits() needs.
  HeadKind head = HeadKind::kLanguageModel;
};

// A layer that other programs treat otherwise than this one once it is adapted.
struct LayerCaveat {
  std::string layer;  // the last part of its path
  std::string what;   // they do: "Python's peft refuses to open such an adapter"
};

// A language model: token ids -> hidden states. A torch::nn::Module whose parameter names are
// Hugging Face's names for the model with a language-model head ("backbone.layers.0.mixer.A_log").
// All calls come from one thread.
class Model : public torch::nn::Module {
 public:
  ~Model() override;

  // ids_BL int64, mask_BL bool (true on real tokens; padding is on the right unless a test says
  // otherwise) -> hidden states after the final norm, [B, L, D].
  virtual torch::Tensor forward(const torch::Tensor& ids_BL, const torch::Tensor& mask_BL) = 0;

  // The hidden states of forward() at one real token of each row, in column positions_B (int64):
  // [B, D]. Default: forward(), of which the rest is thrown away; a model leaves out what only the
  // rest needs.
  virtual torch::Tensor forward_at(const torch::Tensor& ids_BL, const torch::Tensor& mask_BL,
                                   const torch::Tensor& positions_B);

  // hidden [..., D] -> logits [..., V] of the next token. Throws Error where the model was built
  // without that head.
  virtual torch::Tensor lm_logits(const torch::Tensor& hidden) = 0;

  [[nodiscard]] virtual std::int64_t width() const = 0;
  [[nodiscard]] virtual std::int64_t vocabulary() const = 0;
  // The longest input in tokens, or 0 where there is no limit.
  [[nodiscard]] virtual std::int64_t max_length() const = 0;

  // Fills every parameter with its random start, as the reference initialises it (each plugin
  // cites the file). Draws only from `generator`.
  virtual void initialise(torch::Generator generator) = 0;

  // The names under which a checkpoint may hold `parameter`, the canonical one first. The loader
  // tries each with and without the prefix of base_prefix(). Default: the parameter's own name.
  [[nodiscard]] virtual std::vector<std::string> checkpoint_names(std::string_view parameter) const;
  // True for a tensor in a checkpoint that carries no parameter of this model (stored masks).
  [[nodiscard]] virtual bool ignores(std::string_view tensor) const;
  // The prefix that the language-model wrapper puts before the bare model ("backbone.",
  // "transformer.").
  [[nodiscard]] virtual std::string base_prefix() const = 0;

  // The path that the layer of lm_logits() has where it is not tied: no adapter takes it along
  // with all linear layers. Default: "lm_head".
  [[nodiscard]] virtual std::string output_layer() const;
  // What an adapter's user should know before it takes one of these. Default: nothing.
  [[nodiscard]] virtual std::vector<LayerCaveat> caveats() const;

  // False for the parameters that weight decay must leave alone. Default: 1-D parameters (norms,
  // biases) do not decay.
  [[nodiscard]] virtual bool decays(std::string_view parameter, const torch::Tensor& value) const;

  // The complete config.json to save, `architectures` named for `head`.
  [[nodiscard]] virtual Value::Map config(HeadKind head) const = 0;

  // Multiply-add pairs (x2 = FLOPs) of one forward pass over one sequence of `length` tokens,
  // without the head.
  [[nodiscard]] virtual double forward_macs(std::int64_t length) const = 0;
};

// One token of each row: x_BLD at the columns positions_B -> [B, 1, D].
torch::Tensor tokens_at(const torch::Tensor& x_BLD, const torch::Tensor& positions_B);

}  // namespace mvn
