#include "base/db/execution_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <string>

#include "base/mutex.h"

namespace tidemark::db {
namespace {

// Appends whole lines in one system call each, so that processes may share the file.
class ExecutionLog {
 public:
  explicit ExecutionLog(const char* path)
      : file_(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}

  void Note(const char* name) TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (!noted_.insert(name).second) return;
    const std::string line = std::string(name) + "\n";
    // A line that is lost shows as a statement that was never executed.
    [[maybe_unused]] const ssize_t written = write(file_, line.data(), line.size());
  }

 private:
  const int file_;
  Mutex mutex_;
  std::set<std::string> noted_ TM_GUARDED_BY(mutex_);
};

}  // namespace

void NoteExecution(const char* statement_name) {
  // Never destroyed: threads may still execute statements while the process ends.
  static ExecutionLog* const log = [] {
    const char* path = std::getenv(kExecutionLogVariable);
    return path == nullptr ? nullptr : new ExecutionLog(path);
  }();
  if (log != nullptr) log->Note(statement_name);
}

}  // namespace tidemark::db
