// Space set aside on a device's disk, so that a full disk can be emptied: freeing a body takes a
// receipt in the ledger first, and a receipt takes space.
#pragma once

#include <cstdint>
#include <filesystem>

namespace tidemark::ingest {

// One file whose blocks are allocated and never written. A reserve that lies there from an earlier
// process is taken over. Not thread-safe.
class DiskReserve {
 public:
  // `bytes` 0 reserves nothing.
  DiskReserve(std::filesystem::path path, uint64_t bytes);

  // Sets the space aside, unless that is done already. False while the disk does not have it twice:
  // to take the last of it would fill the disk. True, and nothing is held, where a file system
  // cannot allocate ahead.
  bool Take();
  // Gives the space back to the disk; false when nothing was held.
  bool Give();

 private:
  // On a disk that is not known to be full.
  bool Allocate();

  const std::filesystem::path path_;
  const uint64_t bytes_;
  bool held_ = false;
  bool unsupported_ = false;
};

}  // namespace tidemark::ingest
