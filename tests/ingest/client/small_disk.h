// A disk of a few blocks, where no file system of its own may be mounted: what this process writes
// below one folder fails with ENOSPC once the files there are as large as the disk.
#pragma once

#include <cstdint>
#include <filesystem>

namespace tidemark::ingest {

// From now on `folder` is a disk of so many bytes; 0: as large as it really is. Files take whole
// blocks of 4 KiB; what is removed or cut is free at once. The variables TIDEMARK_SMALL_DISK and
// TIDEMARK_SMALL_DISK_BYTES say the same to a program that is started with this as LD_PRELOAD.
void LimitDisk(const std::filesystem::path& folder, uint64_t bytes);

}  // namespace tidemark::ingest
