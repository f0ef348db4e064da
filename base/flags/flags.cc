#include "base/flags/flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace tidemark::flags {
namespace {

// The rule of a number that `text` breaks; empty if it is one.
template <class Number>
std::string NumberFault(const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return "";
  if constexpr (std::is_floating_point_v<Number>) {
    return fmt::format("is a number, not \"{}\"", text);
  }
  return fmt::format("is a whole number from {} to {}, not \"{}\"",
                     std::numeric_limits<Number>::min(), std::numeric_limits<Number>::max(), text);
}

// The deepest command that the line named.
const CLI::App& Understood(const CLI::App& app) {
  const CLI::App* deepest = &app;
  while (!deepest->get_subcommands().empty()) deepest = deepest->get_subcommands().front();
  return *deepest;
}

std::vector<const CLI::App*> CommandsBelow(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

void DescribeBelow(const CLI::App& app, const std::string& path, std::vector<Syntax>& all) {
  Syntax syntax{path, {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      syntax.options.push_back({"--" + name, option->get_description()});
    }
  }
  const auto below = CommandsBelow(app);
  for (const CLI::App* command : below) {
    syntax.commands.push_back({command->get_name(), command->get_description()});
  }
  all.push_back(std::move(syntax));
  for (const CLI::App* command : below) {
    DescribeBelow(*command, path.empty() ? command->get_name() : path + " " + command->get_name(),
                  all);
  }
}

}  // namespace

Option Option::Required() const {
  option_->required();
  return *this;
}

Option Option::ShowDefault() const {
  option_->capture_default_str();
  return *this;
}

Option Option::FromEnvironment() const {
  std::string variable = "TIDEMARK_";
  for (const char c : option_->get_lnames().front()) {
    variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return FromEnvironment(variable);
}

Option Option::FromEnvironment(const std::string& variable) const {
  option_->envname(variable);
  return *this;
}

Option Option::Range(int low, int high) const {
  option_->check(CLI::Range(low, high));
  return *this;
}

Option Option::OneOf(const std::vector<std::string>& words) const {
  option_->check(CLI::IsMember(words));
  return *this;
}

bool Option::given() const { return option_->count() > 0; }

template <class T>
Option Command::AddOption(const std::string& names, T& value, const std::string& help) const {
  CLI::Option* const option = app_->add_option(names, value, help);
  // Of several values each has its own --name: what follows is the next word of the command.
  if (!option->get_positional()) option->allow_extra_args(false);
  // The library says of what is no number only that it cannot convert it, and takes -1 for the
  // largest unsigned one.
  if constexpr (std::is_arithmetic_v<T>) {
    option->check(CLI::Validator([](std::string& text) { return NumberFault<T>(text); }, ""));
  }
  return Option(option);
}

template Option Command::AddOption(const std::string&, std::string&, const std::string&) const;
template Option Command::AddOption(const std::string&, std::vector<std::string>&,
                                   const std::string&) const;
template Option Command::AddOption(const std::string&, int&, const std::string&) const;
template Option Command::AddOption(const std::string&, uint32_t&, const std::string&) const;
template Option Command::AddOption(const std::string&, int64_t&, const std::string&) const;
template Option Command::AddOption(const std::string&, uint64_t&, const std::string&) const;
template Option Command::AddOption(const std::string&, double&, const std::string&) const;

Option Command::AddFlag(const std::string& names, bool& value, const std::string& help) const {
  return Option(app_->add_flag(names, value, help));
}

Command Command::AddCommand(const std::string& name, const std::string& help,
                            std::function<void()> chosen) const {
  app_->require_subcommand(1);
  CLI::App* const command = app_->add_subcommand(name, help);
  command->fallthrough();
  if (chosen) command->callback(std::move(chosen));
  return Command(command);
}

Parser::Parser(const std::string& description, const std::string& name)
    : app_(std::make_unique<CLI::App>(description, name)) {}

Parser::~Parser() = default;

Command Parser::root() const { return Command(app_.get()); }

void Parser::AddVersion(const std::string& version) {
  app_->set_version_flag("--version", version);
}

void Parser::SetFooter(const std::string& text) { app_->footer(text); }

Option Parser::AddSettingsFile(const std::string& name, const std::string& help) {
  return Option(app_->set_config(name, "", help));
}

void Parser::CollectUnknown() {
  app_->allow_extras();
  app_->allow_config_extras(CLI::config_extras_mode::capture);
}

absl::StatusOr<Parsed> Parser::Parse(std::span<const std::string> args) {
  const auto unknown = [&] { return app_->remaining(/*recurse=*/true); };
  try {
    app_->parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::CallForHelp&) {
    return Parsed{.answer = app_->help(), .unknown = {}};
  } catch (const CLI::CallForVersion& version) {
    return Parsed{.answer = std::string(version.what()) + "\n", .unknown = {}};
  } catch (const CLI::RequiredError& error) {
    if (CommandsBelow(Understood(*app_)).empty() || unknown().empty()) {
      return absl::InvalidArgumentError(error.what());
    }
    return absl::InvalidArgumentError(
        fmt::format("there is no command \"{} {}\"", path(), unknown().front()));
  } catch (const CLI::Error& error) {
    return absl::InvalidArgumentError(error.what());
  }
  return Parsed{.answer = "", .unknown = unknown()};
}

std::string Parser::path() const {
  std::string path = app_->get_name();
  for (const CLI::App* at = app_.get(); !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    path += " " + at->get_name();
  }
  return path;
}

std::vector<Syntax> Parser::Describe() const {
  std::vector<Syntax> all;
  DescribeBelow(*app_, "", all);
  return all;
}

}  // namespace tidemark::flags
