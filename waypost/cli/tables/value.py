"""What a fit of the value of customers says, for people."""

from rich.console import Console
from rich.table import Table

from value.calibration import Calibration
from value.report import ValueReport


def print_report(console: Console, report: ValueReport) -> None:
    """Both fits, and how well the first foretells."""
    fit, money = report.fit.model, report.money
    console.print(f"{report.customers:,} customers, {report.repeat_orders:,} repeat orders", highlight=False)
    console.print(
        f"orders (BG/NBD, per week): r {fit.r:.3f}  alpha {fit.alpha:.3f}  a {fit.a:.3f}  b {fit.b:.3f}  "
        f"log-likelihood {report.fit.log_likelihood:,.1f}",
        highlight=False,
    )
    if money is None:
        console.print("money: too few repeat orders have an amount")
    else:
        model = money.model
        console.print(
            f"money (gamma-gamma): p {model.p:.2f}  q {model.q:.2f}  gamma {model.gamma:.2f}  "
            f"over {money.customers:,} customers",
            highlight=False,
        )
    if report.calibration is None:
        console.print("there is too little time to hold the fit against")
    else:
        _print_calibration(console, report.calibration)


def _print_calibration(console: Console, found: Calibration) -> None:
    off = f", off by {found.error:+.1%}" if found.error is not None else ""
    console.print(
        f"learnt up to {found.learnt_until}; from then to {found.until} "
        f"{found.expected:,.0f} orders were expected and {found.came:,} came{off}",
        highlight=False,
    )
    table = Table("Repeat orders before", "Customers", "Expected", "Came")
    for one in found.kinds:
        more = " and more" if one is found.kinds[-1] else ""
        table.add_row(f"{one.repeat_orders}{more}", f"{one.customers:,}", f"{one.expected:,.1f}", f"{one.came:,}")
    console.print(table)
