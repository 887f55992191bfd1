# Writes expected.csv beside it: effects by level and along a number of data.csv, by lm, sandwich and emmeans.
suppressMessages({ library(sandwich); library(emmeans); library(splines) })
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)[1]))
d <- read.csv(file.path(here, "data.csv"), stringsAsFactors = FALSE)
d$arm <- factor(d$arm, c("control", "cells"))
d$side <- factor(d$side, c("both", "left", "right"))
d$dose <- ifelse(is.na(d$dose), 0, d$dose)
rows <- list()
add <- function(model, errors, what, ...) {
  v <- c(...)
  rows[[length(rows) + 1]] <<- data.frame(model, errors, what, quantity = names(v), value = sprintf("%.15g", v))
}
function_of <- function(model, errors, what, m, v, l) {
  e <- sum(l * coef(m)); s <- sqrt(drop(t(l) %*% v %*% l)); q <- qt(0.975, m$df.residual)
  add(model, errors, what, estimate = e, std_error = s, df = m$df.residual, conf_low = e - q * s, conf_high = e + q * s)
}
wald <- function(model, errors, m, v, terms) {
  b <- coef(m)[terms]
  f <- drop(t(b) %*% solve(v[terms, terms], b)) / length(b)
  add(model, errors, "interaction", statistic = f, num_df = length(b), df = m$df.residual,
      p_value = pf(f, length(b), m$df.residual, lower.tail = FALSE))
  f
}
from_emmeans <- function(model, errors, what, x) {
  s <- as.data.frame(confint(x))
  for (i in seq_len(nrow(s))) add(model, errors, what[i], estimate = s$estimate[i], std_error = s$SE[i], df = s$df[i],
                                  conf_low = s$lower.CL[i], conf_high = s$upper.CL[i])
}
for (errors in c("OLS", "HC3")) {
  covariance <- function(m) if (errors == "OLS") vcov(m) else vcovHC(m, type = errors)

  m <- lm(after ~ before + age + arm * side, d); v <- covariance(m)
  g <- emmeans(m, ~ arm | side, vcov. = v)
  from_emmeans("side", errors, levels(d$side), contrast(g, "revpairwise"))
  j <- joint_tests(m, vcov. = v); j <- j[j$`model term` == "arm:side", ]
  f <- wald("side", errors, m, v, grep(":", names(coef(m))))
  stopifnot(abs(f - j$F.ratio) < 6e-4)  # emmeans rounds F
  g <- contrast(emmeans(m, ~ arm * side, vcov. = v), interaction = c("revpairwise", "trt.vs.ctrl1"))
  from_emmeans("side", errors, c("left - both", "right - both"), g)

  m <- lm(after ~ before + arm * days, d); v <- covariance(m)
  from_emmeans("days", errors, c("14", "30", "50"),
               contrast(emmeans(m, ~ arm | days, at = list(days = c(14, 30, 50)), vcov. = v), "revpairwise"))
  from_emmeans("days", errors, "slope per 1", contrast(emtrends(m, ~ arm, var = "days", vcov. = v), "revpairwise"))
  wald("days", errors, m, v, "armcells:days")

  m <- lm(after ~ before + arm * ns(days, df = 3), d); v <- covariance(m)
  from_emmeans("days spline 3", errors, c("14", "30", "50"),
               contrast(emmeans(m, ~ arm | days, at = list(days = c(14, 30, 50)), vcov. = v), "revpairwise"))
  wald("days spline 3", errors, m, v, grep(":", names(coef(m))))

  m <- lm(after ~ arm * before, d); v <- covariance(m)
  wald("before", errors, m, v, "armcells:before")

  m <- lm(after ~ before + arm + dose, d); v <- covariance(m)
  for (at in c(1, 2)) function_of("dose", errors, as.character(at), m, v, c(0, 0, 1, at))
  wald("dose", errors, m, v, "dose")
}
write.csv(do.call(rbind, rows), file.path(here, "expected.csv"), row.names = FALSE, quote = FALSE)
