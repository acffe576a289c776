// Source: EleutherAI/gpt-neo, optimizers.py, model_fns.py, configs.py and models/gpt2/gpt2.py.
#include "runner/import/gpt_neo.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "common/files.h"
#include "common/json.h"
#include "runner/command.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// Why the keys that the trainer knows have no counterpart.
const std::map<std::string, std::string>& known_and_left_out() {
  static const std::map<std::string, std::string> reasons = {
      {"activation_function",
       "its code reads activation_fn, so that this key counts nothing: the activation is gelu "
       "(tanh)"},
      {"auto_layout", "how it spreads over TPUs"},
      {"auto_layout_and_mesh_shape", "how it spreads over TPUs"},
      {"datasets", "name the data in the sweep: task.train, task.validation"},
      {"eval_batch_size", "an evaluation takes training.micro_batch_size"},
      {"eval_steps", "an evaluation takes all of task.validation"},
      {"iterations", "steps between two looks of a TPU's host: training.log_every"},
      {"layout", "how it spreads over TPUs"},
      {"mesh_shape", "how it spreads over TPUs"},
      {"model_path", "results are kept by trial"},
      {"no_dataset", "name the data in the sweep: task.train, task.validation"},
      {"predict_batch_size", "there is no text generation here"},
      {"predict_steps", "there is no text generation here"},
      {"steps_per_checkpoint", "set training.checkpoint_every, or keep_every to keep them"},
      {"stop_at_token", "there is no text generation here"},
      {"remove_partial_sequences", "there is no text generation here"},
  };
  return reasons;
}

// What `read` gives; a file that cannot be read is the user's mistake here, not a trial's data.
template <typename Read>
auto readable(const fs::path& file, Read read) {
  try {
    return read(file);
  } catch (const Error& e) {
    throw UsageError(e.what());
  }
}

class GptNeoImporter {
 public:
  explicit GptNeoImporter(const fs::path& file)
      : file_(file), text_(readable(file, read_file)), config_(readable(file, read_json)) {
    if (!config_.is_object()) throw UsageError(file.string() + ":1:1: expected a JSON object");
  }

  ImportedGptNeo run() {
    check_what_cannot_be();
    ImportedGptNeo imported;
    imported.recipe = recipe();
    imported.model = model();
    note_left_out();
    imported.left_out.assign(left_out_.begin(), left_out_.end());
    return imported;
  }

 private:
  [[noreturn]] void fail(const std::string& key, const std::string& message) const {
    std::size_t line = 1;
    std::size_t column = 1;
    const auto at = text_.find("\"" + key + "\"");
    if (at != std::string::npos) {
      const auto before = text_.substr(0, at);
      line += static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
      column = at - (before.rfind('\n') == std::string::npos ? 0 : before.rfind('\n') + 1) + 1;
    }
    throw UsageError(file_.string() + ":" + std::to_string(line) + ":" + std::to_string(column) +
                     ": " + message);
  }

  // The value of `key`, null where it is absent: the trainer makes no difference.
  const Json& get(const std::string& key) {
    used_.insert(key);
    static const Json null;
    const auto found = config_.find(key);
    return found == config_.end() ? null : *found;
  }

  double number(const std::string& key, std::optional<double> fallback = {}) {
    const Json& value = get(key);
    if (value.is_null() && fallback) return *fallback;
    if (value.is_null()) fail(key, "has no '" + key + "', which gpt-neo needs");
    if (!value.is_number() || value.get<double>() < 0) {
      fail(key, key + ": expected a number of 0 or more, got " + value.dump());
    }
    return value.get<double>();
  }

  std::int64_t count(const std::string& key) {
    const double value = number(key);
    if (!get(key).is_number_integer() || value < 1) {
      fail(key, key + ": expected a whole number above 0, got " + get(key).dump());
    }
    return get(key).get<std::int64_t>();
  }

  bool flag(const std::string& key) {
    const Json& value = get(key);
    return value.is_boolean() && value.get<bool>();
  }

  static std::string text_of(double value) { return Json(value).dump(); }

  void check_what_cannot_be() {
    const Json& name = get("opt_name");
    std::string lower = name.is_string() ? name.get<std::string>() : "";
    std::transform(lower.begin(), lower.end(), lower.begin(), ::tolower);
    if (lower != "adam") {
      fail("opt_name",
           "opt_name: gpt-neo takes Adafactor for anything but 'adam', and there is no "
           "Adafactor here");
    }
    const Json& decay = get("lr_decay");
    if (!decay.is_null() && decay != "linear" && decay != "cosine") {
      fail("lr_decay", "lr_decay: expected linear, cosine or null, got " + decay.dump());
    }
    if (flag("mlm_training")) fail("mlm_training", "mlm_training: masked training is not here");
    if (count("n_embd") % count("n_head") != 0) fail("n_head", "n_head: does not divide n_embd");
    check_attention();
  }

  void check_attention() {
    const Json& types = get("attention_types");
    const std::string shape =
        "attention_types: expected a list of [pattern, times], as [[[\"global\", \"local\"], 12]]";
    if (!types.is_array()) fail("attention_types", shape);
    std::int64_t layers = 0;
    for (const auto& item : types) {
      if (!item.is_array() || item.size() != 2 || !item[0].is_array() ||
          !item[1].is_number_integer()) {
        fail("attention_types", shape);
      }
      for (const auto& type : item[0]) {
        if (type == "global" || type == "local") continue;
        fail("attention_types",
             "attention_types: layers of type " + type.dump() + " are not in plugin gptneo");
      }
      layers += static_cast<std::int64_t>(item[0].size()) * item[1].get<std::int64_t>();
    }
    if (layers != count("n_layer")) {
      fail("attention_types", "attention_types: has " + std::to_string(layers) +
                                  " layers, but n_layer is " + std::to_string(count("n_layer")));
    }
  }

  std::string recipe() {
    std::string text =
        "# " + file_.filename().string() +
        " of EleutherAI/gpt-neo, as its optimizers.py runs it: AdamW without bias\n"
        "# correction; a decay that runs from step 0 to 10 %, which the warm-up\n"
        "# multiplies; no decay of weights whose names hold \"norm\" or \"bias\" there.\n"
        "optimizer:\n  name: adamw\n";
    const auto line = [&](const std::string& key, const std::string& value) {
      text += "  " + key + ": " + value + "\n";
    };
    line("lr", text_of(number("lr")));
    line("beta1", text_of(number("beta1")));
    line("beta2", text_of(number("beta2")));
    line("eps", text_of(number("epsilon")));
    line("bias_correction", "false");
    line("weight_decay", text_of(number("weight_decay", 0)));
    line("no_decay", "['ln_1', 'ln_2', '^(?!.*ln_f).*bias$']  # the last norm's do decay");
    if (!get("gradient_clipping").is_null()) {
      line("max_grad_norm", text_of(number("gradient_clipping")));
    }
    text += "schedule:\n";
    const Json& decay = get("lr_decay");
    line("name", decay.is_null() ? "constant" : decay.get<std::string>());
    line("warmup_steps", std::to_string(static_cast<std::int64_t>(number("warmup_steps", 0))));
    line("decay_from", "start");
    if (!decay.is_null()) line("min_lr_ratio", "0.1");
    if (!get("lr_decay_end").is_null()) line("decay_steps", std::to_string(count("lr_decay_end")));
    text += "training:\n";
    line("steps", std::to_string(count("train_steps")));
    line("batch_size", std::to_string(count("train_batch_size")));
    if (!get("tokens_per_mb_per_replica").is_null()) {
      line("micro_batch_size", std::to_string(std::max<std::int64_t>(
                                   1, count("tokens_per_mb_per_replica") / count("n_ctx"))));
    }
    line("precision", get("precision") == "bfloat16" ? "bf16" : "fp32");
    line("activation_checkpointing", flag("recompute_grad") ? "true" : "false");
    return text;
  }

  std::string model() {
    Json radius = get("local_attention_radius");
    if (radius.is_null()) radius = 256;
    std::string text = "# The model of " + file_.filename().string() +
                       " of EleutherAI/gpt-neo: a sweep names this file in `extends`.\n"
                       "model:\n  plugin: gptneo\n  config:\n";
    const auto line = [&](const std::string& key, const std::string& value) {
      text += "    " + key + ": " + value + "\n";
    };
    line("vocab_size", std::to_string(count("n_vocab")));
    line("max_position_embeddings", std::to_string(count("n_ctx")));
    line("hidden_size", std::to_string(count("n_embd")));
    line("num_layers", std::to_string(count("n_layer")));
    line("num_heads", std::to_string(count("n_head")));
    line("attention_types", get("attention_types").dump());
    line("window_size", radius.dump());
    line("activation_function", "gelu_new");
    line("embed_dropout", text_of(number("embed_dropout", 0)));
    line("attention_dropout", text_of(number("attn_dropout", 0)));
    line("resid_dropout", text_of(number("res_dropout", 0)));
    text += "task:\n  plugin: pretraining\n  block: " + std::to_string(count("n_ctx")) + "\n";
    return text;
  }

  void note_left_out() {
    left_out_["z_loss"] = "its code adds " + text_of(number("z_loss", 1e-4)) +
                          " times the square of each log-normaliser to the loss";
    if (get("precision") == "bfloat16") {
      left_out_["precision"] = "bf16 here keeps fp32 weights; there the stored ones are bf16";
    }
    if (!flag("scale_by_depth")) {
      left_out_["scale_by_depth"] = "plugin gptneo always starts with the MLP scaled by depth";
    }
    if (flag("scale_by_in")) {
      left_out_["scale_by_in"] = "plugin gptneo never scales its start by the fan-in";
    }
    for (const auto& [key, value] : config_.items()) {
      if (used_.contains(key)) continue;
      const auto known = known_and_left_out().find(key);
      left_out_[key] = known == known_and_left_out().end() ? "not known" : known->second;
    }
  }

  fs::path file_;
  std::string text_;
  Json config_;
  std::set<std::string> used_;
  std::map<std::string, std::string> left_out_;
};

}  // namespace

ImportedGptNeo import_gpt_neo(const fs::path& file) { return GptNeoImporter(file).run(); }

void write_gpt_neo(const fs::path& file, const fs::path& folder, std::ostream& out) {
  const auto imported = import_gpt_neo(file);
  const auto name = file.stem().string();
  const auto recipe = folder / (name + ".recipe.yaml");
  const auto model = folder / (name + ".model.yaml");
  for (const auto& path : {recipe, model}) {
    if (fs::exists(path)) {
      throw UsageError(path.string() + " exists already; move it away or work in another folder");
    }
  }
  write_file_atomically(recipe, imported.recipe);
  write_file_atomically(model, imported.model);
  out << "wrote " << recipe.filename().string() << " and " << model.filename().string()
      << "; a sweep uses them with\n  extends: " << model.filename().string()
      << "\n  recipe: " << recipe.filename().string() << "\nnot carried over:\n";
  for (const auto& [key, reason] : imported.left_out) out << "  " << key << ": " << reason << "\n";
  out << std::flush;
}

}  // namespace mvn
