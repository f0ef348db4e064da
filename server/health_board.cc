#include "server/health_board.h"

#include "base/log.h"
#include "server/roles.h"

namespace tidemark::server {
namespace {

constexpr char kWhole[] = "";

// What every server has belongs to no role.
std::map<std::string, std::string> RolesByService(const std::set<std::string>& roles) {
  std::map<std::string, std::string> by_service;
  for (const std::string& service : ServicesOf({})) by_service.emplace(service, "");
  for (const std::string& role : roles) {
    for (const std::string& service : ServicesOf({role})) by_service.emplace(service, role);
  }
  return by_service;
}

}  // namespace

HealthBoard::HealthBoard(const std::set<std::string>& roles,
                         grpc::HealthCheckServiceInterface* shown)
    : role_of_service_(RolesByService(roles)), shown_(shown) {
  MutexLock lock(mutex_);
  Publish();
}

void HealthBoard::ProbeBegins() {
  MutexLock lock(mutex_);
  probe_began_ = SteadyClock::now();
}

void HealthBoard::ProbeEnds(bool answers, const std::set<std::string>& broken_roles) {
  MutexLock lock(mutex_);
  probe_began_.reset();
  if (answers != answers_) {
    if (answers) {
      LogInfo("the database answers again");
    } else {
      LogWarning("the database does not answer");
    }
  }
  for (const std::string& role : broken_roles) {
    if (!broken_roles_.contains(role)) {
      LogWarning("the database cannot be used as the role {} needs it", role);
    }
  }
  answers_ = answers;
  broken_roles_ = broken_roles;
  Publish();
}

void HealthBoard::SetHandlersFree(bool free) {
  MutexLock lock(mutex_);
  handlers_are_free_ = free;
  Publish();
}

void HealthBoard::Stop() {
  MutexLock lock(mutex_);
  stopped_ = true;
  Publish();
}

bool HealthBoard::IsServing(const std::string& service) const {
  MutexLock lock(mutex_);
  const auto found = serving_.find(service);
  return found != serving_.end() && found->second;
}

bool HealthBoard::DatabaseAnswers() const {
  const bool overdue = probe_began_ && SteadyClock::now() - *probe_began_ > kAnswerMost;
  return answers_ && !overdue;
}

void HealthBoard::Publish() {
  const bool common = DatabaseAnswers() && handlers_are_free_ && !stopped_;
  bool whole = true;
  for (const auto& [service, role] : role_of_service_) {
    const bool serving = common && !broken_roles_.contains(role);
    whole = whole && serving;
    Show(service, serving);
  }
  Show(kWhole, whole);
}

// Whoever watches is told of every word, also of one that says nothing new.
void HealthBoard::Show(const std::string& service, bool serving) {
  const auto [shown, is_new] = serving_.try_emplace(service, serving);
  if (!is_new && shown->second == serving) return;
  shown->second = serving;
  shown_->SetServingStatus(service, serving);
}

}  // namespace tidemark::server
