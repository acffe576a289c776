// What the SDK uses of LibTorch: tensors, their operations, autograd and modules. <torch/torch.h>
// holds these and as much again (optimizers, data loaders, every ready layer), which each file that
// includes it pays for, precompiled or not.
#pragma once

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/cuda.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/types.h>
