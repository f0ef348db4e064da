// write_dense_vectors FILE: writes the golden vectors of the dense form. Run by hand when some are
// added; one that was released never changes.
#include <cstdio>

#include "tests/core/signal/dense_vectors.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_dense_vectors FILE\n", stderr);
    return 2;
  }
  tidemark::signal::WriteDenseVectors(tidemark::signal::MakeDenseVectors(), argv[1]);
  return 0;
}
