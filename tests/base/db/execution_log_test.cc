#include "base/db/execution_log.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/ids.h"
#include "tests/support/status_matchers.h"

namespace tidemark::db {
namespace {

// One test only: the variable is read at the first statement of the process.
TEST(ExecutionLog, HasEachStatementOnce) {
  const std::string path =
      (std::filesystem::temp_directory_path() / Uuid::MakeRandom().ToString()).string();
  setenv(kExecutionLogVariable, path.c_str(), 1);
  std::ofstream(path) << "of_another_process\n";
  for (const char* name : {"insert_chunk", "find_chunk", "insert_chunk"}) NoteExecution(name);
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}),
            "of_another_process\ninsert_chunk\nfind_chunk\n");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace tidemark::db
