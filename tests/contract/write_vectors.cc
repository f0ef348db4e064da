// write_vectors FOLDER: writes the golden vectors (README.md). Run by hand when some are added.
#include <cstdio>

#include "tests/contract/vectors.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_vectors FOLDER\n", stderr);
    return 2;
  }
  tidemark::contract::WriteVectors(argv[1]);
  return 0;
}
