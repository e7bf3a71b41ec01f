# Trial simulation with R, for benchmarks/simulation.py, which says what the designs are.
#   Rscript simulation.R rpact|survdiff|trial|minimize DESIGN TRIALS
# Prints processor microseconds a trial (minimize: a subject) and the power.
given <- commandArgs(TRUE)
peer <- given[1]; design <- given[2]; trials <- as.integer(given[3])
set.seed(20)
control <- log(2) / 40; ratio <- 0.65; leave <- 0.002; accrual <- 36; subjects <- 270L
wanted <- if (design == "W1") 150 else c(75, 113, 150)
bounds <- if (design == "W1") qnorm(0.975) else c(2.963, 2.353, 2.015)
processor <- function() sum(proc.time()[c(1, 2, 4, 5)], na.rm = TRUE)
report <- function(seconds, count, power) cat(sprintf("%.4f %.4f\n", 1e6 * seconds / count, power))

seen_at <- function(cut, entry, until, died) {
  here <- entry < cut
  list(here = here, time = pmin(until[here], cut - entry[here]), event = died[here] & entry[here] + until[here] <= cut)
}

# Pocock and Simon, two arms, range, equal weights; levels: one column a factor.
allocate <- function(levels, sizes, best = 0.8) {
  counts <- lapply(sizes, function(size) matrix(0, size, 2))
  arms <- integer(nrow(levels))
  for (subject in seq_len(nrow(levels))) {
    uneven <- c(0, 0)
    for (f in seq_along(sizes)) {
      now <- counts[[f]][levels[subject, f], ]
      uneven <- uneven + c(abs(now[1] + 1 - now[2]), abs(now[1] - now[2] - 1))
    }
    first <- if (uneven[1] < uneven[2]) best else if (uneven[1] > uneven[2]) 1 - best else 0.5
    chosen <- if (runif(1) < first) 1L else 2L
    arms[subject] <- chosen - 1L
    for (f in seq_along(sizes)) {
      counts[[f]][levels[subject, f], chosen] <- counts[[f]][levels[subject, f], chosen] + 1
    }
  }
  arms
}
sizes <- c(50, 4, 2, 2)
people <- function(count) cbind(sample.int(50, count, TRUE, 1 / 1:50), sample.int(4, count, TRUE, c(0.5, 0.2, 0.2, 0.1)),
                                sample.int(2, count, TRUE), sample.int(2, count, TRUE))

if (peer == "rpact") {
  suppressMessages(library(rpact)); setLogLevel("DISABLED")
  plan <- if (design == "W1") getDesignGroupSequential(kMax = 1, alpha = 0.025) else
    getDesignGroupSequential(kMax = 3, alpha = 0.025, informationRates = wanted / 150, typeOfDesign = "asOF")
  yearly <- 1 - exp(-12 * leave)
  go <- function(count) getSimulationSurvival(plan, plannedEvents = wanted, directionUpper = FALSE, lambda2 = control,
    hazardRatio = ratio, accrualTime = c(0, accrual), maxNumberOfSubjects = subjects, dropoutRate1 = yearly,
    dropoutRate2 = yearly, dropoutTime = 12, maxNumberOfIterations = count, seed = 20)
  go(10L)
  start <- processor(); found <- go(trials); seconds <- processor() - start
  report(seconds, trials, found$overallReject)
} else if (peer == "survdiff") {
  suppressMessages(library(survival))
  go <- function() {
    arm <- rep_len(0:1, subjects); entry <- runif(subjects, 0, accrual)
    death <- rexp(subjects, control * ifelse(arm == 1, ratio, 1)); lost <- rexp(subjects, leave)
    until <- pmin(death, lost); died <- death <= lost; calendar <- sort((entry + until)[died])
    any(sapply(seq_along(wanted), function(look) {
      seen <- seen_at(calendar[wanted[look]], entry, until, died)
      test <- survdiff(Surv(seen$time, seen$event) ~ arm[seen$here])
      (test$obs[1] - test$exp[1]) / sqrt(test$var[1, 1]) > bounds[look]
    }))
  }
  start <- processor(); hit <- replicate(trials, go()); report(processor() - start, trials, mean(hit))
} else if (peer == "trial") {
  # The whole trial with the package survival; the weighted test is written out, for no package of the distribution has it.
  suppressMessages(library(survival))
  medians <- c(40, 50, 25, 30)
  weighted <- function(time, event, arm) {
    curve <- survfit(Surv(time, event) ~ 1); at <- curve$n.event > 0
    weight <- 1 - c(1, head(curve$surv, -1))[at]; n <- curve$n.risk[at]; d <- curve$n.event[at]; moments <- curve$time[at]
    share <- colSums(outer(time[arm == 1], moments, ">=")) / n
    d1 <- colSums(outer(time[arm == 1 & event], moments, "=="))
    sum(weight * (d * share - d1)) / sqrt(sum(weight^2 * d * share * (1 - share) * (n - d) / pmax(n - 1, 1)))
  }
  go <- function() {
    entry <- sort(runif(340, 0, accrual)); entry <- entry[runif(340) < 270 / 340] + 2.76
    count <- length(entry); levels <- people(count); arm <- allocate(levels, sizes); stratum <- levels[, 2]
    rate <- log(2) / medians[stratum]; unit <- rexp(count)
    death <- ifelse(arm == 0 | unit < 6 * rate, unit / rate, 6 + (unit - 6 * rate) / (0.55 * rate))
    lost <- rexp(count, leave); until <- pmin(death, lost); died <- death <= lost; calendar <- sort((entry + until)[died])
    sapply(1:3, function(look) {
      seen <- seen_at(calendar[wanted[look]], entry, until, died)
      g <- arm[seen$here]; s <- stratum[seen$here]; y <- Surv(seen$time, seen$event)
      plain <- survdiff(y ~ g); within <- survdiff(y ~ g + strata(s))
      model <- coxph(y ~ g + strata(s))
      window <- min(48, max(seen$time[g == 0]), max(seen$time[g == 1]))
      means <- summary(survfit(y ~ g), rmean = window)$table
      c((plain$obs[1] - plain$exp[1]) / sqrt(plain$var[1, 1]), (sum(within$obs[1, ]) - sum(within$exp[1, ])) / sqrt(within$var[1, 1]),
        weighted(seen$time, seen$event, g), -model$coefficients / sqrt(model$var[1, 1]),
        (means[2, "rmean"] - means[1, "rmean"]) / sqrt(sum(means[, "se(rmean)"]^2)))
    })
  }
  invisible(go())
  start <- processor(); z <- replicate(trials, go()); seconds <- processor() - start
  report(seconds, trials, mean(apply(z[1, , , drop = FALSE] > bounds, 3, any)))
} else if (peer == "minimize") {
  invisible(allocate(people(subjects), sizes))
  cohorts <- lapply(seq_len(trials), function(trial) people(subjects))
  start <- processor(); for (cohort in cohorts) allocate(cohort, sizes); report(processor() - start, trials * subjects, 0)
} else stop("no peer ", peer)
