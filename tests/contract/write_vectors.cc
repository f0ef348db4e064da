// write_vectors FOLDER: writes the golden vectors (README.md). Run by hand when some are added.
//
// Signatures of devices are randomised, so that device_signature.json is written only when it is
// not there yet.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/contract/vectors.h"

int main(int argc, char** argv) {
  using namespace tidemark::contract;
  if (argc != 2) {
    fmt::print(stderr, "usage: write_vectors FOLDER\n");
    return 2;
  }
  const std::string folder = argv[1];
  WriteVectorFile(folder + "/body.json", MakeBodyVectors());
  WriteVectorFile(folder + "/envelope.json", MakeEnvelopeVectors());
  WriteVectorFile(folder + "/bundle.json", MakeBundleVectors());
  WriteVectorFile(folder + "/receipt.json", MakeReceiptVectors());
  const std::string signatures = folder + "/device_signature.json";
  if (!std::filesystem::exists(signatures)) {
    WriteVectorFile(signatures, MakeDeviceSignatureVectors());
  }
  return 0;
}
