// Before the page is painted: the theme that was chosen last. Without a choice the system decides.
document.documentElement.dataset.theme = localStorage.getItem("yonroku.theme") ?? "auto";
