#include "train/trainer/model_size.h"

#include <gtest/gtest.h>

#include "support/error_of.h"

namespace mvn {
namespace {

using test::error_of;

TEST(ModelSize, NoModelHasABillionLayers) {
  for (const std::string key : {"num_hidden_layers", "num_layers", "n_layer", "n_layers"}) {
    EXPECT_EQ(error_of([&] {
                check_layer_count({{key, 1'000'000'000}});
              }),
              "model.config." + key + ": must be at most 10000, got 1000000000");
    EXPECT_EQ(error_of([&] { check_layer_count({{key, 10'000}}); }), "(no error)");
  }
  EXPECT_EQ(error_of([] { check_layer_count({{"num_layers", "many"}}); }), "(no error)");
}

TEST(ModelSize, ShapesThatNoTensorHasAreTheConfigurationsFault) {
  EXPECT_EQ(error_of([] {
              build_shapes([]() -> std::shared_ptr<Model> {
                TORCH_CHECK(false, "no such size\nand where it was thrown");
                return nullptr;
              });
            }),
            "model.config: describes no model that can be built: no such size");
}

TEST(ModelSize, AModelLargerThanTheMemoryIsRefusedByItsShapes) {
  const auto meta = torch::dtype(torch::kFloat32).device(torch::kMeta);
  torch::nn::Module shapes;
  shapes.register_parameter("a", torch::empty({std::int64_t{1} << 30, 4}, meta));
  shapes.register_parameter("tied", shapes.parameters().front());
  shapes.register_buffer("b", torch::empty({std::int64_t{1} << 29}, meta));
  constexpr double kGiB = 1 << 30;
  EXPECT_EQ(error_of([&] { expect_room(shapes, 18 * kGiB); }), "(no error)");
  EXPECT_EQ(error_of([&] { expect_room(shapes, 15.6 * kGiB); }),
            "model.config: describes a model of 18.0 GiB, but this machine's memory is 15.6 GiB");
  EXPECT_THROW(expect_room(shapes, 0), ConfigError);  // never tried again
  EXPECT_GT(machine_memory(), 0);
}

}  // namespace
}  // namespace mvn
