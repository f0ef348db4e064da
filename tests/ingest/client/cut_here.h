// Kills this process just before a chosen one of its calls that change a folder: fsync, rename,
// unlink, mkdir. Between two of them nothing on disk changes that a crash could show.
#pragma once

namespace tidemark::ingest {

// The call that comes after so many others is never made: SIGKILL comes first. The variable
// TIDEMARK_CUT_AFTER says the same to a program that is started with this as LD_PRELOAD.
void CutAfter(int calls);

}  // namespace tidemark::ingest
