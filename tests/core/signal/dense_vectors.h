// Golden vectors of the dense form: bytes at rest that every later version must read.
//
// A text file: per vector `vector NAME`, `channels TYPE...`, per block `regular COUNT FIRST LAST`
// or `exact STAMP...` and `values HEX`, then `encoded HEX`. check_dense.py reads it, too.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/signal/samples.h"

namespace tidemark::signal {

struct DenseVector {
  std::string name;
  std::vector<SampleType> channels;
  std::vector<Block> blocks;
  std::string encoded;
};

// Made up; `encoded` as the coder writes them now.
std::vector<DenseVector> MakeDenseVectors();

void WriteDenseVectors(const std::vector<DenseVector>& vectors, const std::filesystem::path& path);
std::vector<DenseVector> ReadDenseVectors(const std::filesystem::path& path);

}  // namespace tidemark::signal
